// MaxPool of bytes (byte_pool.h).
#include "cpu/byte_pool.h"
#include "cpu/avx2/code_vector.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx2 {
namespace {

template <bool is_signed>
struct Bytes {
  static constexpr std::int64_t kBytes = 16;
  __m128i lanes;

  [[gnu::always_inline]] static Bytes least() {
    return {_mm_set1_epi8(static_cast<char>(is_signed ? -128 : 0))};
  }
  [[gnu::always_inline]] static Bytes load(const std::uint8_t* source) {
    return {_mm_loadu_si128(reinterpret_cast<const __m128i*>(source))};
  }
  /// Bytes from `count` on are the least.
  [[gnu::always_inline]] static Bytes load_first(const std::uint8_t* source, std::int64_t count) {
    if (count >= kBytes) return load(source);
    Bytes result = least();
    for (std::int64_t i = 0; i < count; ++i) reinterpret_cast<std::uint8_t*>(&result.lanes)[i] = source[i];
    return result;
  }
  [[gnu::always_inline]] void store(std::uint8_t* target) const {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(target), lanes);
  }
  [[gnu::always_inline]] void store_first(std::uint8_t* target, std::int64_t count) const {
    if (count >= kBytes) return store(target);
    for (std::int64_t i = 0; i < count; ++i) target[i] = reinterpret_cast<const std::uint8_t*>(&lanes)[i];
  }
  [[gnu::always_inline]] friend Bytes greater(Bytes a, Bytes b) {
    return {is_signed ? _mm_max_epi8(a.lanes, b.lanes) : _mm_max_epu8(a.lanes, b.lanes)};
  }
};

}  // namespace

extern const IsaKernel byte_pool_kernels[];
const IsaKernel byte_pool_kernels[] = {
    {"byte_pool.i8", byte_pool::run<Bytes<true>>, nullptr},
    {"byte_pool.u8", byte_pool::run<Bytes<false>>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx2
