// q5_k: 256 elements in 176 bytes, 5.5 bits each, 8 sub-blocks of 32;
// value = (d * scale) * code - (dmin * minimum), scale and minimum being 6-bit integers per sub-block.
//   0    f16 d
//   2    f16 dmin
//   4    12 bytes of scales and minima (SubScales in block_codec.h)
//   16   32 bytes of fifth bits: bit s of byte j belongs to column j of sub-block s
//   48   4 x 32 bytes of the lower four bits: byte j of chunk i holds column j of sub-block 2i low, of 2i + 1
//   high
#include "quant/block_codec.h"
#include "quant/super_affine_search.h"

namespace lathe {
namespace {

using namespace block_codec;

constexpr int kBytes = 176;

void split(const std::byte* block, BlockCodes& out) {
  split_sub_scales(block, out);
  for (int s = 0; s < 8; ++s)
    for (int j = 0; j < 32; ++j) {
      const int low = (byte_at(block, 48 + 32 * (s / 2) + j) >> (4 * (s % 2))) & 15;
      const int high = (byte_at(block, 16 + j) >> s) & 1;
      out.codes[32 * s + j] = static_cast<std::int8_t>(low | (high << 4));
    }
}

// packed5k: 16 f16 d | 16 f16 dmin | 8 x 16 u8 scales | 8 x 16 u8 minima | 8 x 256 B codes | 8 x 64 B high
// bits
void pack_block(const std::byte* block, int lane, std::byte* record) {
  pack_sub_scales(block, block + 48, lane, record);
  std::uint32_t high[8];
  split_high_bits(block + 16, high);
  for (int s = 0; s < 8; ++s) store_high_bits(record + 2368 + 64 * s, lane, high[s]);
}

using Codes = factor_search::IntegerCodes<0, 31>;

void join(const std::int8_t* codes, std::byte* block) {
  std::memset(block + 16, 0, kBytes - 16);
  for (int s = 0; s < 8; ++s)
    for (int j = 0; j < 32; ++j) {
      const int code = codes[32 * s + j];
      block[48 + 32 * (s / 2) + j] |= static_cast<std::byte>((code & 15) << (4 * (s % 2)));
      block[16 + j] |= static_cast<std::byte>(code >> 4 << s);
    }
}

}  // namespace

extern constinit const BlockFormat kQ5_kFormat{
    .dtype = Dtype::q5_k,
    .packed = Dtype::packed5k,
    .group = 32,
    .factors = half_factors(0, 2),
    .decode = decode_blocks<split, kBytes, 256, 32, true>,
    .pack_group = pack_blocks<pack_block, kBytes, kPacked5k>,
    .split = split,
    .join = join,
    .nearest_code = factor_search::nearest_code<Codes>,
    .search = factor_search::search_super_affine_block<Codes, 32, 63, store_sub_scales, join>,
};

}  // namespace lathe
