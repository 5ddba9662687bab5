// q5_1: 32 elements in 24 bytes, 6 bits each; value = scale * code + minimum.
//   0   f16 scale
//   2   f16 minimum
//   4   32 bits: bit j is the fifth bit of column j's code
//   8   16 bytes of the lower four bits: byte j holds column j in its low half and column j + 16 in its high
//   half
#include "quant/affine_search.h"
#include "quant/block_codec.h"

namespace lathe {
namespace {

using namespace block_codec;

constexpr int kBytes = 24;

void split(const std::byte* block, BlockCodes& out) {
  out.scales[0] = load_half(block);
  out.minima[0] = load_half(block + 2);
  const std::uint32_t high = load_word(block + 4);
  for (int j = 0; j < 16; ++j) {
    const int pair = byte_at(block, 8 + j);
    const int low_column = static_cast<int>((high >> j) & 1u) << 4;
    const int high_column = static_cast<int>((high >> (j + 16)) & 1u) << 4;
    out.codes[j] = static_cast<std::int8_t>((pair & 15) | low_column);
    out.codes[j + 16] = static_cast<std::int8_t>((pair >> 4) | high_column);
  }
}

// packed5m: 256 B codes | 64 B high bits | 16 f16 scales | 16 f16 minima
void pack_block(const std::byte* block, int lane, std::byte* record) {
  store_nibbles(record, lane, block + 8);
  store_high_bits(record + 256, lane, load_word(block + 4));
  store_half(record + 320, lane, block);
  store_half(record + 352, lane, block + 2);
}

using Codes = factor_search::IntegerCodes<0, 31>;

void join(const std::int8_t* codes, std::byte* block) { join_five_bits(codes, 0, block + 4, block + 8); }

}  // namespace

extern constinit const BlockFormat kQ5_1Format{
    .dtype = Dtype::q5_1,
    .packed = Dtype::packed5m,
    .group = 32,
    .factors = half_factors(0, 2),
    .decode = decode_blocks<split, kBytes, 32, 32, true>,
    .pack_group = pack_blocks<pack_block, kBytes, kPacked5m>,
    .split = split,
    .join = join,
    .nearest_code = factor_search::nearest_code<Codes>,
    .search = factor_search::search_affine_block<Codes, join>,
};

}  // namespace lathe
