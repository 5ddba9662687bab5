// A chunk of 8-bit activations as the tile of code_tile.h reads them, made once for all groups of weights:
// what four tokens have of one block lies in three lines, [quad of tokens][block], with the places in the
// weights' tables looked up already. Behind that lie [quad][block] the quads' fine codes, which are read for
// blocks with fine columns alone, and the first token's zeros entries, which say where those are.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "cpu/matmul_shape.h"
#include "cpu/vector/quantized_multiply.h"

namespace lathe::avx512 {
namespace {

constexpr int kQuad = 4;

/// One block of 32 columns of four tokens.
struct alignas(64) TokenQuad {
  std::uint8_t codes[kQuad][kActivationBlock];
  std::uint16_t start_bytes[kQuad];  // of the integer sums' start in ScaleTables::starts
  std::uint16_t scale_bytes[kQuad];  // of the weights' scale in ScaleTables::scales
  std::int32_t exponents[kQuad];     // of the scale, in place: what is added to a float's bits
  float sums[kQuad];
  float half_sums[kQuad];
};

/// Two 16-bit codes of each token.
struct alignas(16) FineQuad {
  std::int32_t codes[kQuad];
};

struct alignas(64) PreparedChunk {
  bool usable;
  std::int64_t blocks;
  std::int64_t quad_count;

  TokenQuad* quads() { return reinterpret_cast<TokenQuad*>(this + 1); }
  const TokenQuad* quads() const { return reinterpret_cast<const TokenQuad*>(this + 1); }
  FineQuad* fine() { return reinterpret_cast<FineQuad*>(quads() + blocks * quad_count); }
  const FineQuad* fine() const { return reinterpret_cast<const FineQuad*>(quads() + blocks * quad_count); }
  /// Of each block.
  std::uint32_t* entries() { return reinterpret_cast<std::uint32_t*>(fine() + blocks * quad_count); }
  const std::uint32_t* entries() const {
    return reinterpret_cast<const std::uint32_t*>(fine() + blocks * quad_count);
  }
};

/// From so many tokens on, unpacking groups in the cache pays.
constexpr std::int64_t kLeastTileTokens = 80;

/// Scales of activations and of weights as the tile takes them: their product is then a normal float.
/// Biased exponents.
struct ExponentRange {
  std::uint32_t least, most;
};
constexpr ExponentRange kActivationExponents{27, 190};
constexpr ExponentRange kWeightExponents{103, 150};  // 2^-24, float16's least, to 2^23

/// Token `t` of a quad; false where a scale is none that the tile takes.
[[gnu::always_inline]] inline bool prepare_token(const std::uint8_t* codes, const std::uint8_t* factors,
                                                 std::int64_t blocks, const std::uint32_t* entries, int t,
                                                 TokenQuad* out, FineQuad* fine) {
  bool usable = true;
  const std::int64_t factor_bytes = blocks * static_cast<std::int64_t>(sizeof(float));
  for (std::int64_t b = 0; b < blocks;
       ++b, ++out, ++fine, codes += kActivationBlock, factors += sizeof(float)) {
    _mm256_store_si256(reinterpret_cast<__m256i*>(out->codes[t]),
                       _mm256_loadu_si256(reinterpret_cast<const __m256i*>(codes)));
    const auto scale = static_cast<std::uint32_t>(vector::load_integer(factors));
    const auto zero = static_cast<std::uint32_t>(vector::load_integer(factors + factor_bytes));
    constexpr std::uint32_t kLineBytes = kPackedRows * sizeof(float);
    // Masked, so that a record that no quantizer wrote (a tensor from a file) cannot lead out of a table.
    out->start_bytes[t] = static_cast<std::uint16_t>((zero / kZeroStep & (kZeros - 1)) * kLineBytes);
    out->scale_bytes[t] =
        static_cast<std::uint16_t>((scale >> kScaleLowBits & (kScaleMantissas - 1)) * kLineBytes);
    const std::uint32_t exponent = scale >> 23;
    usable = usable && (scale == 0 ||
                        (exponent >= kActivationExponents.least && exponent <= kActivationExponents.most));
    out->exponents[t] = scale == 0 ? 0 : static_cast<std::int32_t>((exponent - 127u) << 23);
    out->sums[t] = vector::load_float(factors + 2 * factor_bytes);
    out->half_sums[t] = vector::load_float(factors + 3 * factor_bytes);
    if ((entries[b] & kHasFine) != 0) fine->codes[t] = vector::load_integer(factors + 4 * factor_bytes);
  }
  return usable;
}

inline std::int64_t prepared_bytes(std::int64_t tokens, std::int64_t columns) {
  if (tokens < kLeastTileTokens) return sizeof(PreparedChunk);
  constexpr std::int64_t kBytes = sizeof(TokenQuad) + sizeof(FineQuad);
  const std::int64_t blocks = columns / kActivationBlock;
  return static_cast<std::int64_t>(sizeof(PreparedChunk)) +
         blocks * ((tokens + kQuad - 1) / kQuad * kBytes + static_cast<std::int64_t>(sizeof(std::uint32_t)));
}

inline void prepare_chunk(const KernelCall& call, const MatmulShape& shape, const Share& tokens) {
  auto& chunk = *static_cast<PreparedChunk*>(call.scratch);
  chunk.usable = tokens.end - tokens.begin >= kLeastTileTokens;
  const std::int64_t blocks = shape.columns / kActivationBlock;
  const std::int64_t row_bytes = activation_row_bytes(shape.columns);
  chunk.blocks = blocks;
  chunk.quad_count = (tokens.end - tokens.begin + kQuad - 1) / kQuad;
  if (chunk.usable)
    __builtin_memcpy(chunk.entries(),
                     static_cast<const std::uint8_t*>(call.inputs[0].data) + tokens.begin * row_bytes +
                         shape.columns + blocks * 4,
                     static_cast<std::size_t>(blocks) * sizeof(std::uint32_t));
  for (std::int64_t token = tokens.begin; chunk.usable && token < tokens.end; ++token) {
    const std::int64_t i = token - tokens.begin;
    const auto* codes = static_cast<const std::uint8_t*>(call.inputs[0].data) + token * row_bytes;
    chunk.usable =
        prepare_token(codes, codes + shape.columns, blocks, chunk.entries(), static_cast<int>(i % kQuad),
                      chunk.quads() + i / kQuad * blocks, chunk.fine() + i / kQuad * blocks);
  }
}

constexpr ChunkPreparation kTileChunks{prepared_bytes, prepare_chunk};

}  // namespace
}  // namespace lathe::avx512
