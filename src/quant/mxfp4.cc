// mxfp4: 32 elements in 17 bytes, 4.25 bits each, of the OCP Microscaling specification;
// value = 2^(exponent - 127) * e2m1, here 2^(exponent - 128) * kE2m1Doubled[code].
//   0   exponent (E8M0), 255 is NaN
//   1   16 bytes of codes: byte j holds column j in its low half and column j + 16 in its high half
//       code (E2M1): sign 1 | exponent 2 (bias 1) | mantissa 1
#include "quant/block_codec.h"
#include "quant/e8m0.h"
#include "quant/factor_search.h"

namespace lathe {
namespace {

using namespace block_codec;

constexpr int kBytes = 17;

void split(const std::byte* block, BlockCodes& out) {
  out.scales[0] = half_of_e8m0(std::to_integer<std::uint8_t>(block[0]));
  out.minima[0] = 0.0f;
  split_table(block + 1, kE2m1Doubled, out.codes);
}

// packed4x: 256 B codes | 16 u8 exponents
void pack_block(const std::byte* block, int lane, std::byte* record) {
  store_nibbles(record, lane, block + 1);
  record[256 + lane] = block[0];
}

using Codes = factor_search::TableCodes<kE2m1Doubled>;
constexpr factor_search::TableIndex<kE2m1Doubled> kIndex;

void join(const std::int8_t* codes, std::byte* block) { join_table(codes, kIndex, block + 1); }

/// Every exponent that may be the best: the largest value lies at, below or far above the last code.
void search(const float* values, const float* importance, std::byte* block) {
  std::int8_t codes[32];
  if (std::isnan(not_finite_mark(values, 32))) {
    std::fill_n(codes, 32, 12);
    block[0] = std::byte{255};
    join(codes, block);
    return;
  }
  const factor_search::ScaledBlock<32> scaled(values, importance);
  constexpr int kLargest = 252;  // 12 times half of 2^126 is the last product that is no infinity
  int best = 0;
  if (!scaled.zero) {
    float best_error = std::numeric_limits<float>::infinity();
    for (int power = -5; power <= -1; ++power) {  // of the scale for values of which the largest is near 1
      const int exponent = std::clamp(scaled.exponent + power + 128, 0, kLargest);
      const auto scale = static_cast<float>(std::ldexp(1.0, exponent - 128 - scaled.exponent));
      const float error = factor_search::group_error<Codes, 32>(scaled.values, scaled.weights, scale, 0.0f);
      if (error < best_error) {
        best_error = error;
        best = exponent;
      }
    }
  }
  const float scale = scaled.zero ? 0.0f : static_cast<float>(std::ldexp(1.0, best - 128 - scaled.exponent));
  factor_search::round_group<Codes, 32>(scaled.values, scale, 0.0f, codes);
  block[0] = static_cast<std::byte>(best);
  join(codes, block);
}

}  // namespace

extern constinit const BlockFormat kMxfp4Format{
    .dtype = Dtype::mxfp4,
    .packed = Dtype::packed4x,
    .group = 32,
    .factors = {.offset = 0, .count = 1, .bytes = 1, .exponent = 0xff},
    .decode = decode_blocks<split, kBytes, 32, 32, false>,
    .pack_group = pack_blocks<pack_block, kBytes, kPacked4x>,
    .split = split,
    .join = join,
    .nearest_code = factor_search::nearest_code<Codes>,
    .search = search,
};

}  // namespace lathe
