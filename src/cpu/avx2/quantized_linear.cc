// QuantizedLinear with 16-bit sums of u8 x s8 products; the arithmetic is in portable/quantized_linear.cc.
// Some blocks of one group are unpacked to scratch and then used for all tokens; sums wait in the output
// between such panels.
#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "cpu/avx2/packed_codes.h"
#include "cpu/isa_kernel.h"
#include "cpu/matmul_shape.h"

namespace lathe::avx2 {
namespace {

constexpr std::int64_t kPanelBlocks = 16;  // stays in the first-level cache
constexpr int kTileTokens = 4;

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

/// One panel: blocks [first, first + count) of one group.
struct Panel {
  const WeightBlock* weights;
  std::int64_t first;
  std::int64_t count;
};

/// Adds a panel for kTokens tokens. `inputs` is the first token's row, `output` its first of `rows` outputs.
template <class Layout, int kTokens>
void multiply_tile(const Panel& panel, const std::uint8_t* inputs, const MatmulShape& shape, float* output,
                   std::int64_t rows) {
  const std::int64_t row_bytes = activation_row_bytes(shape.columns);
  const std::int64_t factor_bytes = shape.columns / kActivationBlock * 4;
  const __m256i masks[2] = {lane_mask(rows), lane_mask(rows - 8)};
  __m256 acc[kTokens][2];
  for (int t = 0; t < kTokens; ++t)
    for (int half = 0; half < 2; ++half)
      acc[t][half] = panel.first == 0 ? _mm256_setzero_ps()
                                      : _mm256_maskload_ps(output + t * shape.rows + 8 * half, masks[half]);
  for (std::int64_t b = 0; b < panel.count; ++b) {
    const std::uint8_t* codes = inputs + (panel.first + b) * kActivationBlock;
    const std::uint8_t* factors = inputs + shape.columns + (panel.first + b) * 4;
    for (int t = 0; t < kTokens; ++t, codes += row_bytes, factors += row_bytes)
      for (int half = 0; half < 2; ++half)
        acc[t][half] = add_block<Layout>(panel.weights[b], half, codes, load_float(factors),
                                         load_float(factors + factor_bytes),
                                         load_float(factors + 2 * factor_bytes), acc[t][half]);
  }
  for (int t = 0; t < kTokens; ++t)
    for (int half = 0; half < 2; ++half)
      _mm256_maskstore_ps(output + t * shape.rows + 8 * half, masks[half], acc[t][half]);
}

template <class Layout>
void quantized_linear(const KernelCall& call) {
  constexpr int kRecordBlocks = Layout::kInfo.columns_per_record / kActivationBlock;
  const MatmulShape shape = matmul_shape(call);
  const MatmulShare share = matmul_share(shape, call.thread, call.threads);
  const std::int64_t blocks = shape.columns / kActivationBlock;
  const std::int64_t row_bytes = activation_row_bytes(shape.columns);
  const auto* inputs = static_cast<const std::uint8_t*>(call.inputs[0].data);
  const auto* weights = static_cast<const std::uint8_t*>(call.inputs[1].data);
  auto* output = static_cast<float*>(call.outputs[0].data);
  auto* unpacked = static_cast<WeightBlock*>(call.scratch);

  for (std::int64_t group = share.groups.begin; group < share.groups.end; ++group) {
    const std::uint8_t* records = weights + group * (blocks / kRecordBlocks) * Layout::kInfo.record_bytes;
    const std::int64_t row = group * kPackedRows;
    for (std::int64_t first = 0; first < blocks; first += kPanelBlocks) {
      const Panel panel{unpacked, first, blocks - first < kPanelBlocks ? blocks - first : kPanelBlocks};
      for (std::int64_t b = first; b < first + panel.count; ++b) {
        Layout::unpack(records + b / kRecordBlocks * Layout::kInfo.record_bytes,
                       static_cast<int>(b % kRecordBlocks), unpacked[b - first]);
        sum_codes<Layout>(unpacked[b - first]);
      }
      std::int64_t token = share.tokens.begin;
      for (; token + kTileTokens <= share.tokens.end; token += kTileTokens)
        multiply_tile<Layout, kTileTokens>(panel, inputs + token * row_bytes, shape,
                                           output + token * shape.rows + row, shape.rows - row);
      for (; token < share.tokens.end; ++token)
        multiply_tile<Layout, 1>(panel, inputs + token * row_bytes, shape, output + token * shape.rows + row,
                                 shape.rows - row);
    }
  }
}

std::size_t scratch_bytes(const KernelCall&) { return kPanelBlocks * sizeof(WeightBlock); }

template <class Layout>
constexpr IsaKernel kernel(const char* name) {
  return {name, quantized_linear<Layout>, scratch_bytes};
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
