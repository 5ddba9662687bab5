// QuantizedLinear with VNNI; the arithmetic is in portable/quantized_linear.cc. Two ways, of equal bits:
// - few tokens: the weights are streamed once, unpacked in registers and used for every token;
// - many tokens: a panel of some groups x kPanelBlocks blocks is unpacked to scratch once and used by
// register tiles
//   of kTileTokens tokens x up to kTileGroups groups. A chunk of tokens is packed for the tiles beforehand.
#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "cpu/avx512/packed_codes.h"
#include "cpu/isa_kernel.h"
#include "cpu/matmul_shape.h"

namespace lathe::avx512 {
namespace {

constexpr int kFewTokens = 8;

constexpr int kTileTokens = 4;
constexpr int kTileGroups = 3;
constexpr std::int64_t kPanelBlocks = 64;  // 2048 columns
constexpr std::int64_t kChunkBytes = 256 * 1024;

// One block of a packed tile: [token][32 codes], then scales, minima and sums of the tokens.
constexpr std::int64_t kTileBlockBytes = kTileTokens * (kActivationBlock + 3 * sizeof(float));

// One block of a group in a panel: 8 x 64 codes, then 16 floats each of scale, sum and whatever else there
// is.
template <Factors kFactors>
constexpr std::int64_t kPanelBlockBytes = 512 + 64 * (kFactors == Factors::half_scales         ? 4
                                                      : kFactors == Factors::scale_and_minimum ? 3
                                                                                               : 2);

constexpr std::int64_t smaller(std::int64_t a, std::int64_t b) { return a < b ? a : b; }

constexpr std::int64_t panel_blocks(const MatmulShape& shape) {
  return smaller(shape.columns / kActivationBlock, kPanelBlocks);
}

/// Tokens that are packed together: a multiple of the tile's, as many as keep the second-level cache half
/// empty.
constexpr std::int64_t chunk_tokens(const MatmulShape& shape) {
  const std::int64_t tile_bytes = panel_blocks(shape) * kTileBlockBytes;
  const std::int64_t tiles =
      smaller((shape.tokens + kTileTokens - 1) / kTileTokens, kChunkBytes / tile_bytes);
  return tiles * kTileTokens;
}

[[gnu::always_inline]] inline __m512i broadcast4(const std::uint8_t* codes) {
  int four;
  __builtin_memcpy(&four, codes, sizeof four);
  return _mm512_set1_epi32(four);
}

[[gnu::always_inline]] inline float load_float(const std::uint8_t* bytes) {
  float value;
  __builtin_memcpy(&value, bytes, sizeof value);
  return value;
}

/// acc + scale * (s * product + m * sum of codes)
[[gnu::always_inline]] inline __m512 add_product(__m512i product, __m512 scale, __m512 sum, float s, float m,
                                                 __m512 acc) {
  const __m512 offset = _mm512_mul_ps(_mm512_set1_ps(m), sum);
  const __m512 t = _mm512_fmadd_ps(_mm512_set1_ps(s), _mm512_cvtepi32_ps(product), offset);
  return _mm512_fmadd_ps(scale, t, acc);
}

inline __mmask16 row_mask(std::int64_t rows) {
  return rows >= kPackedRows ? static_cast<__mmask16>(0xffff) : static_cast<__mmask16>((1u << rows) - 1u);
}

/// One block for one token.
template <Factors kFactors>
[[gnu::always_inline]] inline __m512 add_block(const WeightBlock& weight, const std::uint8_t* codes, float s,
                                               float m, float x, __m512 acc) {
  __m512i low = _mm512_setzero_si512();
  __m512i high = _mm512_setzero_si512();
  for (int k = 0; k < 4; ++k) {
    low = _mm512_dpbusd_epi32(low, broadcast4(codes + 4 * k), weight.codes[k]);
    high = _mm512_dpbusd_epi32(high, broadcast4(codes + 16 + 4 * k), weight.codes[k + 4]);
  }
  if constexpr (kFactors == Factors::half_scales) {
    acc = add_product(low, weight.scale[0], weight.sum[0], s, m, acc);
    return add_product(high, weight.scale[1], weight.sum[1], s, m, acc);
  } else {
    acc = add_product(_mm512_add_epi32(low, high), weight.scale[0], weight.sum[0], s, m, acc);
    if constexpr (kFactors == Factors::scale_and_minimum)
      acc = _mm512_fmadd_ps(weight.minimum, _mm512_set1_ps(x), acc);
    return acc;
  }
}

template <class Layout>
void multiply_few(const KernelCall& call, const MatmulShape& shape, const MatmulShare& share) {
  constexpr int kRecordBlocks = Layout::kInfo.columns_per_record / kActivationBlock;
  const std::int64_t blocks = shape.columns / kActivationBlock;
  const std::int64_t records = blocks / kRecordBlocks;
  const std::int64_t row_bytes = activation_row_bytes(shape.columns);
  const auto* inputs = static_cast<const std::uint8_t*>(call.inputs[0].data) + share.tokens.begin * row_bytes;
  const auto* record = static_cast<const std::uint8_t*>(call.inputs[1].data) +
                       share.groups.begin * records * Layout::kInfo.record_bytes;
  auto* output = static_cast<float*>(call.outputs[0].data) + share.tokens.begin * shape.rows;
  const std::int64_t tokens = share.tokens.end - share.tokens.begin;

  for (std::int64_t group = share.groups.begin; group < share.groups.end; ++group) {
    __m512 acc[kFewTokens];
    for (auto& vector : acc) vector = _mm512_setzero_ps();
    for (std::int64_t r = 0; r < records; ++r, record += Layout::kInfo.record_bytes) {
      for (int b = 0; b < kRecordBlocks; ++b) {
        WeightBlock weight;
        Layout::unpack(record, b, weight);
        const std::int64_t block = r * kRecordBlocks + b;
        const std::uint8_t* codes = inputs + block * kActivationBlock;
        const std::uint8_t* factors = inputs + shape.columns + block * 4;
        for (std::int64_t t = 0; t < tokens; ++t, codes += row_bytes, factors += row_bytes)
          acc[t] = add_block<Layout::kFactors>(weight, codes, load_float(factors),
                                               load_float(factors + blocks * 4),
                                               load_float(factors + blocks * 8), acc[t]);
      }
    }
    const std::int64_t first_row = group * kPackedRows;
    for (std::int64_t t = 0; t < tokens; ++t)
      _mm512_mask_storeu_ps(output + t * shape.rows + first_row, row_mask(shape.rows - first_row), acc[t]);
  }
}

/// Copies blocks [first, first + blocks) of `tokens` rows into tiles; missing tokens of the last tile become
/// zero.
inline void pack_tiles(const std::uint8_t* rows, std::int64_t tokens, const MatmulShape& shape,
                       std::int64_t first, std::int64_t blocks, std::uint8_t* tile) {
  const std::int64_t row_bytes = activation_row_bytes(shape.columns);
  const std::int64_t factor_bytes = shape.columns / kActivationBlock * 4;
  for (std::int64_t token = 0; token < tokens; token += kTileTokens) {
    for (std::int64_t b = first; b < first + blocks; ++b, tile += kTileBlockBytes) {
      std::uint8_t* factors = tile + kTileTokens * kActivationBlock;
      for (int t = 0; t < kTileTokens; ++t) {
        const bool present = token + t < tokens;
        const std::uint8_t* row = rows + (present ? token + t : 0) * row_bytes;
        __builtin_memcpy(tile + t * kActivationBlock, row + b * kActivationBlock, kActivationBlock);
        for (int f = 0; f < 3; ++f)
          __builtin_memcpy(factors + (f * kTileTokens + t) * 4,
                           row + shape.columns + f * factor_bytes + b * 4, 4);
      }
    }
  }
}

/// Unpacks `blocks` blocks of `groups` groups to [block][group][codes, factors].
template <class Layout>
void unpack_panel(const std::uint8_t* weights, std::int64_t group_bytes, int groups, std::int64_t first,
                  std::int64_t blocks, std::uint8_t* panel) {
  constexpr int kRecordBlocks = Layout::kInfo.columns_per_record / kActivationBlock;
  constexpr std::int64_t kBytes = kPanelBlockBytes<Layout::kFactors>;
  for (int g = 0; g < groups; ++g) {
    std::uint8_t* out = panel + g * kBytes;
    for (std::int64_t b = first; b < first + blocks; ++b, out += groups * kBytes) {
      WeightBlock weight;
      Layout::unpack(weights + g * group_bytes + b / kRecordBlocks * Layout::kInfo.record_bytes,
                     static_cast<int>(b % kRecordBlocks), weight);
      for (int k = 0; k < 8; ++k) _mm512_store_si512(out + 64 * k, weight.codes[k]);
      _mm512_store_ps(out + 512, weight.scale[0]);
      _mm512_store_ps(out + 576, weight.sum[0]);
      if constexpr (Layout::kFactors == Factors::scale_and_minimum)
        _mm512_store_ps(out + 640, weight.minimum);
      if constexpr (Layout::kFactors == Factors::half_scales) {
        _mm512_store_ps(out + 640, weight.scale[1]);
        _mm512_store_ps(out + 704, weight.sum[1]);
      }
    }
  }
}

[[gnu::always_inline]] inline __m512 panel_floats(const std::uint8_t* panel, int index) {
  return _mm512_load_ps(panel + 512 + 64 * index);
}

/// The integer sums of columns [16 * kHalf ...) of one block, for all of the tile.
template <int kBegin, int kEnd, int kGroups, std::int64_t kBytes>
[[gnu::always_inline]] inline void dot(const std::uint8_t* tile, const std::uint8_t* panel,
                                       __m512i product[kTileTokens][kGroups]) {
  for (int t = 0; t < kTileTokens; ++t)
    for (int g = 0; g < kGroups; ++g) product[t][g] = _mm512_setzero_si512();
#pragma GCC unroll 8
  for (int k = kBegin; k < kEnd; ++k) {
    __m512i codes[kGroups];
    for (int g = 0; g < kGroups; ++g) codes[g] = _mm512_load_si512(panel + g * kBytes + 64 * k);
    for (int t = 0; t < kTileTokens; ++t) {
      const __m512i four = broadcast4(tile + t * kActivationBlock + 4 * k);
      for (int g = 0; g < kGroups; ++g) product[t][g] = _mm512_dpbusd_epi32(product[t][g], four, codes[g]);
    }
  }
}

/// One tile over one panel; output is [token][rows_stride], read first unless `fresh`.
template <Factors kFactors, int kGroups>
void multiply_tile(const std::uint8_t* tile, const std::uint8_t* panel, std::int64_t blocks, bool fresh,
                   std::int64_t tokens, float* output, std::int64_t rows_stride, std::int64_t rows) {
  constexpr std::int64_t kBytes = kPanelBlockBytes<kFactors>;
  __m512 acc[kTileTokens][kGroups];
  for (int t = 0; t < kTileTokens; ++t)
    for (int g = 0; g < kGroups; ++g)
      acc[t][g] = fresh || t >= tokens ? _mm512_setzero_ps()
                                       : _mm512_maskz_loadu_ps(row_mask(rows - g * kPackedRows),
                                                               output + t * rows_stride + g * kPackedRows);
  for (std::int64_t b = 0; b < blocks; ++b, tile += kTileBlockBytes, panel += kGroups * kBytes) {
    const std::uint8_t* factors = tile + kTileTokens * kActivationBlock;
    __m512i product[kTileTokens][kGroups];
    dot<0, kFactors == Factors::half_scales ? 4 : 8, kGroups, kBytes>(tile, panel, product);
    for (int g = 0; g < kGroups; ++g)
      for (int t = 0; t < kTileTokens; ++t)
        acc[t][g] = add_product(product[t][g], panel_floats(panel + g * kBytes, 0),
                                panel_floats(panel + g * kBytes, 1), load_float(factors + 4 * t),
                                load_float(factors + 4 * (kTileTokens + t)), acc[t][g]);
    if constexpr (kFactors == Factors::half_scales) {
      dot<4, 8, kGroups, kBytes>(tile, panel, product);
      for (int g = 0; g < kGroups; ++g)
        for (int t = 0; t < kTileTokens; ++t)
          acc[t][g] = add_product(product[t][g], panel_floats(panel + g * kBytes, 2),
                                  panel_floats(panel + g * kBytes, 3), load_float(factors + 4 * t),
                                  load_float(factors + 4 * (kTileTokens + t)), acc[t][g]);
    }
    if constexpr (kFactors == Factors::scale_and_minimum)
      for (int g = 0; g < kGroups; ++g)
        for (int t = 0; t < kTileTokens; ++t)
          acc[t][g] =
              _mm512_fmadd_ps(panel_floats(panel + g * kBytes, 2),
                              _mm512_set1_ps(load_float(factors + 4 * (2 * kTileTokens + t))), acc[t][g]);
  }
  for (int t = 0; t < tokens && t < kTileTokens; ++t)
    for (int g = 0; g < kGroups; ++g)
      _mm512_mask_storeu_ps(output + t * rows_stride + g * kPackedRows, row_mask(rows - g * kPackedRows),
                            acc[t][g]);
}

template <class Layout>
void multiply_many(const KernelCall& call, const MatmulShape& shape, const MatmulShare& share) {
  constexpr Factors kFactors = Layout::kFactors;
  constexpr std::int64_t kRecordColumns = Layout::kInfo.columns_per_record;
  const std::int64_t blocks = shape.columns / kActivationBlock;
  const std::int64_t chunk = chunk_tokens(shape);
  const std::int64_t group_bytes = shape.columns / kRecordColumns * Layout::kInfo.record_bytes;
  const auto* inputs = static_cast<const std::uint8_t*>(call.inputs[0].data);
  const auto* weights = static_cast<const std::uint8_t*>(call.inputs[1].data);
  auto* output = static_cast<float*>(call.outputs[0].data);
  auto* panel = static_cast<std::uint8_t*>(call.scratch);
  std::uint8_t* tiles = panel + kTileGroups * panel_blocks(shape) * kPanelBlockBytes<kFactors>;

  for (std::int64_t token = share.tokens.begin; token < share.tokens.end; token += chunk) {
    const std::int64_t tokens = smaller(chunk, share.tokens.end - token);
    for (std::int64_t first = 0; first < blocks; first += kPanelBlocks) {
      const std::int64_t panel_length = smaller(kPanelBlocks, blocks - first);
      pack_tiles(inputs + token * activation_row_bytes(shape.columns), tokens, shape, first, panel_length,
                 tiles);
      for (std::int64_t group = share.groups.begin; group < share.groups.end; group += kTileGroups) {
        const int groups = static_cast<int>(smaller(kTileGroups, share.groups.end - group));
        unpack_panel<Layout>(weights + group * group_bytes, group_bytes, groups, first, panel_length, panel);
        const auto multiply = groups == 3   ? multiply_tile<kFactors, 3>
                              : groups == 2 ? multiply_tile<kFactors, 2>
                                            : multiply_tile<kFactors, 1>;
        const std::int64_t first_row = group * kPackedRows;
        for (std::int64_t t = 0; t < tokens; t += kTileTokens)
          multiply(tiles + t / kTileTokens * panel_length * kTileBlockBytes, panel, panel_length, first == 0,
                   tokens - t, output + (token + t) * shape.rows + first_row, shape.rows,
                   shape.rows - first_row);
      }
    }
  }
}

template <class Layout>
void quantized_linear(const KernelCall& call) {
  const MatmulShape shape = matmul_shape(call);
  const MatmulShare share = matmul_share(shape, call.thread, call.threads);
  if (share.tokens.end - share.tokens.begin <= kFewTokens)
    multiply_few<Layout>(call, shape, share);
  else
    multiply_many<Layout>(call, shape, share);
}

template <class Layout>
std::size_t scratch_bytes(const KernelCall& call) {
  const MatmulShape shape = matmul_shape(call);
  if (shape.tokens <= kFewTokens) return 0;
  const std::int64_t blocks = panel_blocks(shape);
  return static_cast<std::size_t>(kTileGroups * blocks * kPanelBlockBytes<Layout::kFactors> +
                                  chunk_tokens(shape) / kTileTokens * blocks * kTileBlockBytes);
}

template <class Layout>
constexpr IsaKernel kernel(const char* name) {
  return {name, quantized_linear<Layout>, scratch_bytes<Layout>};
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

}  // namespace lathe::avx512
