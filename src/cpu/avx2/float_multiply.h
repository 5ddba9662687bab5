// Groups of float weights, rows in lanes, times rows of floats: register tiles of up to 6 tokens x one 16-row
// group. The arithmetic is in portable/linear.cc.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "cpu/avx2/lane_mask.h"
#include "cpu/matmul_shape.h"

namespace lathe::avx2 {
namespace {

constexpr std::int64_t kBlockColumns = 32;
constexpr int kTileTokens = 6;

struct Tile {
  const std::uint8_t* inputs;   // [kTokens][columns]
  const std::uint8_t* weights;  // of one group
  float* output;                // [kTokens][rows_stride]
  std::int64_t columns;
  std::int64_t rows_stride;
  std::int64_t rows;  // that are left from the tile's first one
};

// Layouts, two columns at a time: load<0>() is the first one's rows, load<1>() the second one's; 8 rows in
// each half.

struct PackedF32 {
  static constexpr PackedLayoutInfo kInfo = kPackedF32;
  static constexpr std::int64_t kActivationBytes = 4;
  static constexpr bool kRounded = false;
  template <int kSecond>
  [[gnu::always_inline]] static __m256 load(const std::uint8_t* pair, int half) {
    return _mm256_loadu_ps(reinterpret_cast<const float*>(pair + kSecond * 64 + half * 32));
  }
};

[[gnu::always_inline]] inline __m256 even_halves(__m256i pairs) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(pairs, 16));
}
[[gnu::always_inline]] inline __m256 odd_halves(__m256i pairs) {
  return _mm256_castsi256_ps(_mm256_and_si256(pairs, _mm256_set1_epi32(-0x10000)));
}

struct PackedBf16 {
  static constexpr PackedLayoutInfo kInfo = kPackedBf16;
  static constexpr std::int64_t kActivationBytes = 4;
  static constexpr bool kRounded = false;
  template <int kSecond>
  [[gnu::always_inline]] static __m256 load(const std::uint8_t* pair, int half) {
    const __m256i both = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(pair + half * 32));
    return kSecond != 0 ? odd_halves(both) : even_halves(both);
  }
};

struct PackedF16 {
  static constexpr PackedLayoutInfo kInfo = kPackedF16;
  static constexpr std::int64_t kActivationBytes = 4;
  static constexpr bool kRounded = false;
  template <int kSecond>
  [[gnu::always_inline]] static __m256 load(const std::uint8_t* pair, int half) {
    return _mm256_cvtph_ps(
        _mm_loadu_si128(reinterpret_cast<const __m128i*>(pair + kSecond * 32 + half * 16)));
  }
};

/// The same weights as PackedBf16 with activations in bf16.
struct RoundedBf16 : PackedBf16 {
  static constexpr std::int64_t kActivationBytes = 2;
  static constexpr bool kRounded = true;
};

template <class Layout>
inline constexpr std::int64_t kPairBytes = Layout::kInfo.record_bytes * 2 / Layout::kInfo.columns_per_record;

[[gnu::always_inline]] inline __m256 load_activation(const std::uint8_t* value) {
  float number;
  __builtin_memcpy(&number, value, sizeof number);
  return _mm256_set1_ps(number);
}

template <int kTokens>
[[gnu::always_inline]] inline void store_tile(const Tile& tile, const __m256 (&acc)[kTokens][2]) {
  for (int t = 0; t < kTokens; ++t)
    for (int half = 0; half < 2; ++half)
      _mm256_maskstore_ps(tile.output + t * tile.rows_stride + 8 * half, lane_mask(tile.rows - 8 * half),
                          acc[t][half]);
}

/// Arithmetic "f32".
template <class Layout, int kTokens>
[[gnu::always_inline]] inline void multiply_exact(const Tile& tile) {
  __m256 acc[kTokens][2];  // in memory: the block's sums fill the registers
  for (auto& row : acc) row[0] = row[1] = _mm256_setzero_ps();
  const std::uint8_t* weights = tile.weights;
  for (std::int64_t begin = 0; begin < tile.columns; begin += kBlockColumns) {
    const std::int64_t end = begin + kBlockColumns < tile.columns ? begin + kBlockColumns : tile.columns;
    __m256 block[kTokens][2];
    for (auto& row : block) row[0] = row[1] = _mm256_setzero_ps();
    const auto add = [&](__m256 low, __m256 high, std::int64_t column) {
      for (int t = 0; t < kTokens; ++t) {
        const __m256 x = load_activation(tile.inputs + (t * tile.columns + column) * 4);
        block[t][0] = _mm256_fmadd_ps(low, x, block[t][0]);
        block[t][1] = _mm256_fmadd_ps(high, x, block[t][1]);
      }
    };
    for (std::int64_t column = begin; column < end; column += 2, weights += kPairBytes<Layout>) {
      add(Layout::template load<0>(weights, 0), Layout::template load<0>(weights, 1), column);
      if (column + 1 < end)
        add(Layout::template load<1>(weights, 0), Layout::template load<1>(weights, 1), column + 1);
    }
    for (int t = 0; t < kTokens; ++t)
      for (int half = 0; half < 2; ++half) acc[t][half] = _mm256_add_ps(acc[t][half], block[t][half]);
  }
  store_tile(tile, acc);
}

/// Arithmetic "bf16", where the processor flushes numbers that are not normal.
template <int kTokens>
[[gnu::always_inline]] inline void multiply_rounded(const Tile& tile) {
  __m256 acc[kTokens][2];
  for (auto& row : acc) row[0] = row[1] = _mm256_setzero_ps();
  const std::uint8_t* weights = tile.weights;
  for (std::int64_t column = 0; column < tile.columns; column += 2, weights += kPackedBf16.record_bytes) {
    __m256i pairs[kTokens];
    for (int t = 0; t < kTokens; ++t) {
      std::uint32_t pair = 0;  // the last one of an odd number has a zero beside it
      const std::uint8_t* x = tile.inputs + (t * tile.columns + column) * 2;
      __builtin_memcpy(&pair, x, column + 1 < tile.columns ? 4 : 2);
      pairs[t] = _mm256_set1_epi32(static_cast<int>(pair));
    }
    __m256 low = PackedBf16::load<1>(weights, 0);
    __m256 high = PackedBf16::load<1>(weights, 1);
    for (int t = 0; t < kTokens; ++t) {
      acc[t][0] = _mm256_fmadd_ps(low, odd_halves(pairs[t]), acc[t][0]);
      acc[t][1] = _mm256_fmadd_ps(high, odd_halves(pairs[t]), acc[t][1]);
    }
    low = PackedBf16::load<0>(weights, 0);
    high = PackedBf16::load<0>(weights, 1);
    for (int t = 0; t < kTokens; ++t) {
      acc[t][0] = _mm256_fmadd_ps(low, even_halves(pairs[t]), acc[t][0]);
      acc[t][1] = _mm256_fmadd_ps(high, even_halves(pairs[t]), acc[t][1]);
    }
  }
  store_tile(tile, acc);
}

template <class Layout, int kTokens>
[[gnu::noinline]] void multiply_tile(const Tile& tile) {
  if constexpr (Layout::kRounded)
    multiply_rounded<kTokens>(tile);
  else
    multiply_exact<Layout, kTokens>(tile);
}

template <class Layout>
void multiply_tiles(const KernelCall& call, const MatmulShape& shape, const Share& groups,
                    const Share& tokens) {
  constexpr void (*kTiles[])(const Tile&) = {multiply_tile<Layout, 1>, multiply_tile<Layout, 2>,
                                             multiply_tile<Layout, 3>, multiply_tile<Layout, 4>,
                                             multiply_tile<Layout, 5>, multiply_tile<Layout, kTileTokens>};
  const auto* inputs = static_cast<const std::uint8_t*>(call.inputs[0].data);
  const auto* weights = static_cast<const std::uint8_t*>(call.inputs[1].data);
  auto* output = static_cast<float*>(call.outputs[0].data);
  const std::int64_t group_bytes = packed_group_bytes(Layout::kInfo, shape.columns);
  for (std::int64_t group = groups.begin; group < groups.end; ++group) {
    const std::int64_t first_row = group * kPackedRows;
    for (std::int64_t token = tokens.begin; token < tokens.end; token += kTileTokens) {
      const std::int64_t left = tokens.end - token;
      const Tile tile{inputs + token * shape.columns * Layout::kActivationBytes,
                      weights + group * group_bytes,
                      output + token * shape.rows + first_row,
                      shape.columns,
                      shape.rows,
                      shape.rows - first_row};
      kTiles[(left < kTileTokens ? left : kTileTokens) - 1](tile);
    }
  }
}

/// All of `groups` for some tokens. Of bf16 products, numbers that are not normal count as zeros.
template <class Layout>
void multiply_float_chunk(const KernelCall& call, const MatmulShape& shape, const Share& groups,
                          const Share& tokens) {
  // multiply_tile() is not inlined: nothing else would keep the compiler from moving it out of here.
  const unsigned mode = _mm_getcsr();
  if constexpr (Layout::kRounded) _mm_setcsr(mode | _MM_FLUSH_ZERO_ON | _MM_DENORMALS_ZERO_ON);
  multiply_tiles<Layout>(call, shape, groups, tokens);
  if constexpr (Layout::kRounded) _mm_setcsr(mode);
}

}  // namespace
}  // namespace lathe::avx2
