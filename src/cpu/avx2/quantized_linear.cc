// QuantizedLinear with 16-bit sums of u8 x s8 products; the arithmetic is in portable/quantized_linear.cc.
// A chunk of tokens keeps its sums of one 16-row group in the first-level cache while the group's weights
// stream by: each block is unpacked once and used for every token of the chunk, 8 rows at a time, with the
// codes in registers.
#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "cpu/avx2/packed_codes.h"
#include "cpu/isa_kernel.h"
#include "cpu/matmul_shape.h"

namespace lathe::avx2 {
namespace {

constexpr int kChunkTokens = 64;
constexpr std::int64_t kPrefetchBytes = 8192;  // ahead of what is read: memory's latency at full speed

/// Lanes that exist, as a mask for 8 floats.
inline __m256i lane_mask(std::int64_t rows) {
  const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(rows < 8 ? rows : 8)), lanes);
}

[[gnu::always_inline]] inline float load_float(const std::uint8_t* bytes) {
  float value;
  __builtin_memcpy(&value, bytes, sizeof value);
  return value;
}

/// Sum of products of columns [4 * kBegin, 4 * kEnd), for 8 rows; `codes` points at the rows' first ones.
template <int kBegin, int kEnd, int kSteps>
[[gnu::always_inline]] inline __m256i dot(const std::uint8_t* activation, const std::int8_t* codes,
                                          short factor) {
  __m256i sum = _mm256_setzero_si256();
  for (int begin = kBegin; begin < kEnd; begin += kSteps) {
    __m256i pairs = _mm256_setzero_si256();
    for (int k = begin; k < begin + kSteps; ++k) {
      int four;
      __builtin_memcpy(&four, activation + 4 * k, sizeof four);
      pairs = _mm256_add_epi16(pairs, _mm256_maddubs_epi16(_mm256_set1_epi32(four), load(codes + 64 * k)));
    }
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(factor)));
  }
  return sum;
}

template <class Layout, int kBegin, int kEnd>
[[gnu::always_inline]] inline __m256i product(const std::uint8_t* activation, const WeightBlock& weight,
                                              int half) {
  __m256i sum = dot<kBegin, kEnd, Layout::kSteps>(activation, weight.codes + 32 * half, 1);
  if constexpr (Layout::kTwoPlanes)
    sum = _mm256_add_epi32(sum, dot<kBegin, kEnd, Layout::kSteps>(activation, weight.high + 32 * half, 16));
  return sum;
}

/// The sums of the codes themselves, in int32, as products with ones.
template <class Layout>
inline void sum_codes(WeightBlock& weight) {
  std::uint8_t ones[32];
  __builtin_memset(ones, 1, sizeof ones);
  for (int half = 0; half < 2; ++half) {
    if constexpr (Layout::kHalfScales) {
      _mm256_store_ps(weight.sum[0] + 8 * half,
                      _mm256_cvtepi32_ps(product<Layout, 0, 4>(ones, weight, half)));
      _mm256_store_ps(weight.sum[1] + 8 * half,
                      _mm256_cvtepi32_ps(product<Layout, 4, 8>(ones, weight, half)));
    } else {
      _mm256_store_ps(weight.sum[0] + 8 * half,
                      _mm256_cvtepi32_ps(product<Layout, 0, 8>(ones, weight, half)));
    }
  }
}

/// acc + scale * (s * product + m * sum of codes)
[[gnu::always_inline]] inline __m256 add_product(__m256i sum_of_products, const float* scale,
                                                 const float* sum, float s, float m, __m256 acc) {
  const __m256 offset = _mm256_mul_ps(_mm256_set1_ps(m), _mm256_load_ps(sum));
  const __m256 t = _mm256_fmadd_ps(_mm256_set1_ps(s), _mm256_cvtepi32_ps(sum_of_products), offset);
  return _mm256_fmadd_ps(_mm256_load_ps(scale), t, acc);
}

template <class Layout>
[[gnu::always_inline]] inline __m256 add_block(const WeightBlock& weight, int half,
                                               const std::uint8_t* activation, float s, float m, float x,
                                               __m256 acc) {
  const int row = 8 * half;
  if constexpr (Layout::kHalfScales) {
    acc = add_product(product<Layout, 0, 4>(activation, weight, half), weight.scale[0] + row,
                      weight.sum[0] + row, s, m, acc);
    acc = add_product(product<Layout, 4, 8>(activation, weight, half), weight.scale[1] + row,
                      weight.sum[1] + row, s, m, acc);
  } else {
    acc = add_product(product<Layout, 0, 8>(activation, weight, half), weight.scale[0] + row,
                      weight.sum[0] + row, s, m, acc);
  }
  if constexpr (Layout::kMinima)
    acc = _mm256_fmadd_ps(_mm256_load_ps(weight.minimum + row), _mm256_set1_ps(x), acc);
  return acc;
}

/// Fetches the weights of the block that is read kPrefetchBytes later.
template <class Layout>
[[gnu::always_inline]] inline void prefetch_weights(const std::uint8_t* record, int block) {
  constexpr int kBytes = Layout::kInfo.record_bytes / (Layout::kInfo.columns_per_record / kActivationBlock);
  const std::uint8_t* ahead = record + block * kBytes + kPrefetchBytes;
  for (int i = 0; i < kBytes; i += 64) _mm_prefetch(ahead + i, _MM_HINT_T1);
}

/// All of `groups` for at most kChunkTokens tokens.
template <class Layout>
void multiply_chunk(const KernelCall& call, const MatmulShape& shape, const Share& groups,
                    const Share& token_range) {
  constexpr int kRecordBlocks = Layout::kInfo.columns_per_record / kActivationBlock;
  const std::int64_t factor_bytes = shape.columns / kActivationBlock * 4;
  const std::int64_t records = shape.columns / Layout::kInfo.columns_per_record;
  const std::int64_t row_bytes = activation_row_bytes(shape.columns);
  const std::int64_t tokens = token_range.end - token_range.begin;
  const auto* inputs = static_cast<const std::uint8_t*>(call.inputs[0].data) + token_range.begin * row_bytes;
  const auto* record = static_cast<const std::uint8_t*>(call.inputs[1].data) +
                       groups.begin * records * Layout::kInfo.record_bytes;
  auto* output = static_cast<float*>(call.outputs[0].data) + token_range.begin * shape.rows;

  for (std::int64_t group = groups.begin; group < groups.end; ++group) {
    __m256 acc[2][kChunkTokens];
    for (std::int64_t t = 0; t < tokens; ++t) acc[0][t] = acc[1][t] = _mm256_setzero_ps();
    const std::uint8_t* block_codes = inputs;
    const std::uint8_t* block_factors = inputs + shape.columns;
    for (std::int64_t r = 0; r < records; ++r, record += Layout::kInfo.record_bytes) {
      for (int b = 0; b < kRecordBlocks; ++b, block_codes += kActivationBlock, block_factors += 4) {
        prefetch_weights<Layout>(record, b);
        WeightBlock weight;
        Layout::unpack(record, b, weight);
        sum_codes<Layout>(weight);
        for (int half = 0; half < 2; ++half) {
          const std::uint8_t* codes = block_codes;
          const std::uint8_t* factors = block_factors;
          for (std::int64_t t = 0; t < tokens; ++t, codes += row_bytes, factors += row_bytes)
            acc[half][t] = add_block<Layout>(weight, half, codes, load_float(factors),
                                             load_float(factors + factor_bytes),
                                             load_float(factors + 2 * factor_bytes), acc[half][t]);
        }
      }
    }
    const std::int64_t first_row = group * kPackedRows;
    for (int half = 0; half < 2; ++half) {
      const __m256i mask = lane_mask(shape.rows - first_row - 8 * half);
      for (std::int64_t t = 0; t < tokens; ++t)
        _mm256_maskstore_ps(output + t * shape.rows + first_row + 8 * half, mask, acc[half][t]);
    }
  }
}

template <class Layout>
void quantized_linear(const KernelCall& call) {
  const MatmulShape shape = matmul_shape(call);
  const MatmulShare share = matmul_share(shape, call.thread, call.threads);
  for (std::int64_t token = share.tokens.begin; token < share.tokens.end; token += kChunkTokens) {
    const std::int64_t left = share.tokens.end - token;
    multiply_chunk<Layout>(call, shape, share.groups,
                           {token, token + (left < kChunkTokens ? left : kChunkTokens)});
  }
}

template <class Layout>
constexpr IsaKernel kernel(const char* name) {
  return {name, quantized_linear<Layout>, nullptr};
}

}  // namespace

extern const IsaKernel quantized_linear_kernels[];
const IsaKernel quantized_linear_kernels[] = {kernel<Packed4>("quantized_linear.packed4"),
                                              kernel<Packed4m>("quantized_linear.packed4m"),
                                              kernel<Packed5>("quantized_linear.packed5"),
                                              kernel<Packed5m>("quantized_linear.packed5m"),
                                              kernel<Packed8>("quantized_linear.packed8"),
                                              kernel<Packed4k>("quantized_linear.packed4k"),
                                              kernel<Packed5k>("quantized_linear.packed5k"),
                                              kernel<Packed6k>("quantized_linear.packed6k"),
                                              {nullptr, nullptr, nullptr}};

}  // namespace lathe::avx2
