// iq4_xs: 256 elements in 136 bytes, 4.25 bits each, 8 sub-blocks of 32;
// value = (d * scale) * kIq4Values[code], scale being an integer from -32 to 31 per sub-block.
//   0   f16 d
//   2   u16 upper bits of the scales: bits 2s and 2s + 1 belong to sub-block s
//   4   4 bytes of the lower four bits: byte i holds sub-block 2i low, 2i + 1 high; scale = the 6 bits - 32
//   8   8 x 16 bytes of codes: byte j of a run holds column j in its low half, column j + 16 in its high one
#include "quant/block_codec.h"
#include "quant/super_scale_search.h"

namespace lathe {
namespace {

using namespace block_codec;

constexpr int kBytes = 136;
constexpr int kCodes = 8;

int sub_scale(const std::byte* block, int s) {
  const int upper = byte_at(block, 2 + s / 4) >> (2 * (s % 4)) & 3;
  const int lower = byte_at(block, 4 + s / 2) >> (4 * (s % 2)) & 15;
  return (upper << 4 | lower) - 32;
}

void split(const std::byte* block, BlockCodes& out) {
  const float d = load_half(block);
  for (int s = 0; s < 8; ++s) {
    out.scales[s] = d * static_cast<float>(sub_scale(block, s));
    out.minima[s] = 0.0f;
    split_table(block + kCodes + 16 * s, kIq4Values, out.codes + 32 * s);
  }
}

// packed4tk: 16 f16 d | 8 x 16 i8 scales | 8 x 256 B codes
void pack_block(const std::byte* block, int lane, std::byte* record) {
  store_half(record, lane, block);
  for (int s = 0; s < 8; ++s) {
    record[32 + 16 * s + lane] = static_cast<std::byte>(sub_scale(block, s));
    store_nibbles(record + 160 + 256 * s, lane, block + kCodes + 16 * s);
  }
}

using Codes = factor_search::TableCodes<kIq4Values>;
constexpr factor_search::TableIndex<kIq4Values> kIndex;

void join(const std::int8_t* codes, std::byte* block) {
  for (int s = 0; s < 8; ++s) join_table(codes + 32 * s, kIndex, block + kCodes + 16 * s);
}

void store_factors(std::uint16_t d, const std::int8_t scales[8], std::byte* block) {
  std::memcpy(block, &d, sizeof d);
  std::memset(block + 2, 0, 6);
  for (int s = 0; s < 8; ++s) {
    const int stored = scales[s] + 32;
    block[2 + s / 4] |= static_cast<std::byte>(stored >> 4 << (2 * (s % 4)));
    block[4 + s / 2] |= static_cast<std::byte>((stored & 15) << (4 * (s % 2)));
  }
}

}  // namespace

extern constinit const BlockFormat kIq4_xsFormat{
    .dtype = Dtype::iq4_xs,
    .packed = Dtype::packed4tk,
    .group = 32,
    .factors = half_factors(0, 1),
    .decode = decode_blocks<split, kBytes, 256, 32, false>,
    .pack_group = pack_blocks<pack_block, kBytes, kPacked4tk>,
    .split = split,
    .join = join,
    .nearest_code = factor_search::nearest_code<Codes>,
    .search = factor_search::search_super_scaled_block<Codes, 32, -32, 31, store_factors, join>,
};

}  // namespace lathe
