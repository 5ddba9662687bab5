// ConvCodes (conv_codes.h): codes are widened to 16 bits, x with its zero point taken off, and multiplied in
// pairs, whose sums are exact in 32 bits.
#include "cpu/conv_codes.h"
#include "cpu/avx2/depthwise_codes.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx2 {
namespace {

struct ConvolutionCodes {
  using Vector = avx2::Vector;
  using Sums = Integers;
  using Codes = Integers;  // 16 pairs
  static constexpr int kStep = 2;

  [[gnu::always_inline]] static Sums start(std::int32_t) {
    return {_mm256_setzero_si256(), _mm256_setzero_si256()};
  }
  [[gnu::always_inline]] static Codes load(const std::byte* windows) {
    const auto* source = reinterpret_cast<const __m256i*>(windows);
    return {_mm256_load_si256(source), _mm256_load_si256(source + 1)};
  }
  [[gnu::always_inline]] static __m256i weights(const std::int8_t* codes) {
    std::int16_t two;
    __builtin_memcpy(&two, codes, sizeof two);
    return _mm256_cvtepi8_epi16(_mm_set1_epi16(two));
  }
  [[gnu::always_inline]] static Sums dot(const Sums& sums, const Codes& windows, __m256i weights) {
    return {_mm256_add_epi32(sums.low, _mm256_madd_epi16(windows.low, weights)),
            _mm256_add_epi32(sums.high, _mm256_madd_epi16(windows.high, weights))};
  }
  [[gnu::always_inline]] static void store(std::int32_t* target, const Sums& sums) {
    _mm256_store_si256(reinterpret_cast<__m256i*>(target), sums.low);
    _mm256_store_si256(reinterpret_cast<__m256i*>(target + 8), sums.high);
  }

  static std::int32_t row_start(const std::int8_t*, std::int64_t, std::int32_t) { return 0; }

  /// `count` codes: source[i * stride] for i in [first, stop), `zero` for the others.
  static void copy_line(std::uint8_t* target, const std::uint8_t* source, std::int64_t stride,
                        std::int64_t first, std::int64_t stop, std::int64_t count, std::uint8_t zero) {
    if (first < 0) first = 0;
    if (stop > count) stop = count;
    if (first >= stop) first = stop = count;
    const __m128i zeros = _mm_set1_epi8(static_cast<char>(zero));
    for (std::int64_t i = 0; i < first; i += 16) store(target + i, zeros);
    std::int64_t i = first;
    if (stride == 1)
      for (; i + 16 <= stop; i += 16)
        store(target + i, _mm_loadu_si128(reinterpret_cast<const __m128i*>(source + i)));
    for (; i < stop; ++i) target[i] = source[i * stride];
    for (; i < count; i += 16) store(target + i, zeros);
  }

  /// Codes of `count` pixels of two rows, each pixel's side by side.
  [[gnu::always_inline]] static void interleave(std::byte* target, const std::uint8_t* const* rows,
                                                std::int64_t pixel, std::int64_t count, bool is_signed,
                                                std::int32_t zero) {
    const __m128i flip = _mm_set1_epi8(static_cast<char>(is_signed ? 0x80 : 0));
    const __m256i zeros = _mm256_set1_epi16(static_cast<short>(zero));
    const auto words = [&](int j) {
      const __m128i codes = _mm_xor_si128(load_bytes(rows[j] + pixel, count), flip);
      return _mm256_sub_epi16(_mm256_cvtepu8_epi16(codes), zeros);
    };
    const __m256i a = words(0);
    const __m256i b = words(1);
    const __m256i low = _mm256_unpacklo_epi16(a, b);
    const __m256i high = _mm256_unpackhi_epi16(a, b);
    auto* pairs = reinterpret_cast<__m256i*>(target);
    _mm256_store_si256(pairs, _mm256_permute2x128_si256(low, high, 0x20));
    _mm256_store_si256(pairs + 1, _mm256_permute2x128_si256(low, high, 0x31));
  }

 private:
  [[gnu::always_inline]] static void store(std::uint8_t* target, __m128i codes) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(target), codes);
  }
};

void run_depthwise(const KernelCall& call) {
  if (Depthwise::takes(conv_codes::problem_of(call)))
    Depthwise(call).run(call);
  else
    conv_codes::run<ConvolutionCodes, 6, 1>(call);
}

std::size_t depthwise_scratch_bytes(const KernelCall& call) {
  const conv_codes::Problem problem = conv_codes::problem_of(call);
  return Depthwise::takes(problem) ? Depthwise::scratch_bytes(problem)
                                   : conv_codes::scratch_bytes<ConvolutionCodes>(call);
}

}  // namespace

extern const IsaKernel conv_codes_kernels[];
const IsaKernel conv_codes_kernels[] = {
    {"conv_codes.depthwise", run_depthwise, depthwise_scratch_bytes},
    {"conv_codes.dense", conv_codes::run<ConvolutionCodes, 6, 1>,
     conv_codes::scratch_bytes<ConvolutionCodes>},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx2
