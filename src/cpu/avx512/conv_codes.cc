// ConvCodes (conv_codes.h): four products of codes a lane and instruction. They take u8 times i8, so that
// codes of i8 are moved up by 128, and what a zero point adds to a row's sums is taken off beforehand.
#include "cpu/conv_codes.h"
#include "cpu/avx512/depthwise_codes.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx512 {
namespace {

struct alignas(64) Bytes {
  std::uint8_t bytes[64];
};

constexpr Bytes interleaved() {
  Bytes index{};
  for (int i = 0; i < 64; ++i) index.bytes[i] = static_cast<std::uint8_t>(i % 4 * 16 + i / 4);
  return index;
}

constexpr Bytes strided(int stride) {
  Bytes index{};
  for (int i = 0; i * stride < 64; ++i) index.bytes[i] = static_cast<std::uint8_t>(i * stride);
  return index;
}

constexpr Bytes kInterleaved = interleaved();
constexpr Bytes kStrided[] = {strided(1), strided(2), strided(3), strided(4)};
constexpr std::int64_t kMostStrided = 4;

struct ConvolutionCodes {
  using Vector = avx512::Vector;
  using Sums = __m512i;
  using Codes = __m512i;
  static constexpr int kStep = 4;

  [[gnu::always_inline]] static Sums start(std::int32_t value) { return _mm512_set1_epi32(value); }
  [[gnu::always_inline]] static Codes load(const std::byte* windows) { return _mm512_load_si512(windows); }
  [[gnu::always_inline]] static Codes weights(const std::int8_t* codes) {
    std::int32_t four;
    __builtin_memcpy(&four, codes, sizeof four);
    return _mm512_set1_epi32(four);
  }
  [[gnu::always_inline]] static Sums dot(Sums sums, Codes windows, Codes weights) {
    return _mm512_dpbusd_epi32(sums, windows, weights);
  }
  [[gnu::always_inline]] static void store(std::int32_t* target, Sums sums) {
    _mm512_store_si512(target, sums);
  }

  static std::int32_t row_start(const std::int8_t* weights, std::int64_t depth, std::int32_t zero) {
    __m512i sums = _mm512_setzero_si512();
    const __m512i ones = _mm512_set1_epi8(1);
    for (std::int64_t k = 0; k < depth; k += 64)
      sums = _mm512_dpbusd_epi32(sums, ones, _mm512_maskz_loadu_epi8(first_bytes(depth - k), weights + k));
    return static_cast<std::int32_t>(static_cast<std::uint32_t>(-zero) *
                                     static_cast<std::uint32_t>(_mm512_reduce_add_epi32(sums)));
  }

  /// `count` codes: source[i * stride] for i in [first, stop), `zero` for the others.
  static void copy_line(std::uint8_t* target, const std::uint8_t* source, std::int64_t stride,
                        std::int64_t first, std::int64_t stop, std::int64_t count, std::uint8_t zero) {
    const __m512i zeros = _mm512_set1_epi8(static_cast<char>(zero));
    if (stride == 1) {
      for (std::int64_t i = 0; i < count; i += 64) {
        const __mmask64 inside = first_bytes(stop - i) & ~first_bytes(first - i);
        _mm512_storeu_si512(target + i, _mm512_mask_loadu_epi8(zeros, inside, source + i));
      }
      return;
    }
    if (stride > kMostStrided) {
      for (std::int64_t i = 0; i < count; ++i) target[i] = i >= first && i < stop ? source[i * stride] : zero;
      return;
    }
    const std::int64_t span = 63 / stride + 1;  // what one load reaches
    const __m512i index = _mm512_load_si512(kStrided[stride - 1].bytes);
    for (std::int64_t i = 0; i < count; i += span) {
      const std::int64_t begin = first > i ? first - i : 0;
      const std::int64_t end = stop - i < span ? stop - i : span;
      const __mmask64 loaded =
          begin < end ? first_bytes((end - 1) * stride + 1) & ~first_bytes(begin * stride) : 0;
      const __mmask64 inside = begin < end ? first_bytes(end) & ~first_bytes(begin) : 0;
      const __m512i bytes = _mm512_maskz_loadu_epi8(loaded, source + i * stride);
      _mm512_storeu_si512(target + i, _mm512_mask_permutexvar_epi8(zeros, inside, index, bytes));
    }
  }

  /// Codes of `count` pixels of four rows, each pixel's side by side.
  [[gnu::always_inline]] static void interleave(std::byte* target, const std::uint8_t* const* rows,
                                                std::int64_t pixel, std::int64_t count, bool is_signed,
                                                std::int32_t) {
    const __mmask16 lanes = first_lanes(count);
    const auto row = [&](int j) { return _mm_maskz_loadu_epi8(lanes, rows[j] + pixel); };
    __m512i codes = _mm512_castsi128_si512(row(0));
    codes = _mm512_inserti32x4(codes, row(1), 1);
    codes = _mm512_inserti32x4(codes, row(2), 2);
    codes = _mm512_inserti32x4(codes, row(3), 3);
    codes = _mm512_permutexvar_epi8(_mm512_load_si512(kInterleaved.bytes), codes);
    if (is_signed) codes = _mm512_xor_si512(codes, _mm512_set1_epi8(static_cast<char>(0x80)));
    _mm512_store_si512(target, codes);
  }
};

void run_depthwise(const KernelCall& call) {
  if (takes_depthwise(conv_codes::problem_of(call)))
    Depthwise(call).run(call);
  else
    conv_codes::run<ConvolutionCodes, 4, 4>(call);
}

std::size_t depthwise_scratch_bytes(const KernelCall& call) {
  const conv_codes::Problem problem = conv_codes::problem_of(call);
  return takes_depthwise(problem) ? Depthwise::scratch_bytes(problem)
                                  : conv_codes::scratch_bytes<ConvolutionCodes>(call);
}

}  // namespace

extern const IsaKernel conv_codes_kernels[];
const IsaKernel conv_codes_kernels[] = {
    {"conv_codes.depthwise", run_depthwise, depthwise_scratch_bytes},
    {"conv_codes.dense", conv_codes::run<ConvolutionCodes, 4, 4>,
     conv_codes::scratch_bytes<ConvolutionCodes>},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx512
