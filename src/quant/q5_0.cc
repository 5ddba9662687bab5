// q5_0: 32 elements in 22 bytes, 5.5 bits each; value = scale * (code - 16).
//   0   f16 scale
//   2   32 bits: bit j is the fifth bit of column j's code
//   6   16 bytes of the lower four bits: byte j holds column j in its low half and column j + 16 in its high
//   half
#include "quant/block_codec.h"
#include "quant/scale_search.h"

namespace lathe {
namespace {

using namespace block_codec;

constexpr int kBytes = 22;

void split(const std::byte* block, BlockCodes& out) {
  out.scales[0] = load_half(block);
  out.minima[0] = 0.0f;
  const std::uint32_t high = load_word(block + 2);
  for (int j = 0; j < 16; ++j) {
    const int pair = byte_at(block, 6 + j);
    const int low_column = static_cast<int>((high >> j) & 1u) << 4;
    const int high_column = static_cast<int>((high >> (j + 16)) & 1u) << 4;
    out.codes[j] = static_cast<std::int8_t>(((pair & 15) | low_column) - 16);
    out.codes[j + 16] = static_cast<std::int8_t>(((pair >> 4) | high_column) - 16);
  }
}

// packed5: 256 B codes | 64 B high bits | 16 f16 scales
void pack_block(const std::byte* block, int lane, std::byte* record) {
  store_nibbles(record, lane, block + 6);
  store_high_bits(record + 256, lane, load_word(block + 2));
  store_half(record + 320, lane, block);
}

using Codes = factor_search::IntegerCodes<-16, 15>;

void join(const std::int8_t* codes, std::byte* block) { join_five_bits(codes, 16, block + 2, block + 6); }

}  // namespace

extern constinit const BlockFormat kQ5_0Format{
    .dtype = Dtype::q5_0,
    .packed = Dtype::packed5,
    .group = 32,
    .factors = half_factors(0, 1),
    .decode = decode_blocks<split, kBytes, 32, 32, false>,
    .pack_group = pack_blocks<pack_block, kBytes, kPacked5>,
    .split = split,
    .join = join,
    .nearest_code = factor_search::nearest_code<Codes>,
    .search = factor_search::search_scaled_block<Codes, join>,
};

}  // namespace lathe
