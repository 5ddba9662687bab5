// MaxPool of bytes (byte_pool.h).
#include "cpu/byte_pool.h"
#include "cpu/avx512/code_vector.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx512 {
namespace {

template <bool is_signed>
struct Bytes {
  static constexpr std::int64_t kBytes = 64;
  __m512i lanes;

  [[gnu::always_inline]] static Bytes least() {
    return {_mm512_set1_epi8(static_cast<char>(is_signed ? -128 : 0))};
  }
  [[gnu::always_inline]] static Bytes load(const std::uint8_t* source) {
    return {_mm512_loadu_si512(source)};
  }
  /// Bytes from `count` on are the least.
  [[gnu::always_inline]] static Bytes load_first(const std::uint8_t* source, std::int64_t count) {
    return {_mm512_mask_loadu_epi8(least().lanes, first_bytes(count), source)};
  }
  [[gnu::always_inline]] void store(std::uint8_t* target) const { _mm512_storeu_si512(target, lanes); }
  [[gnu::always_inline]] void store_first(std::uint8_t* target, std::int64_t count) const {
    _mm512_mask_storeu_epi8(target, first_bytes(count), lanes);
  }
  [[gnu::always_inline]] friend Bytes greater(Bytes a, Bytes b) {
    return {is_signed ? _mm512_max_epi8(a.lanes, b.lanes) : _mm512_max_epu8(a.lanes, b.lanes)};
  }
};

}  // namespace

extern const IsaKernel byte_pool_kernels[];
const IsaKernel byte_pool_kernels[] = {
    {"byte_pool.i8", byte_pool::run<Bytes<true>>, nullptr},
    {"byte_pool.u8", byte_pool::run<Bytes<false>>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx512
