// q4_k: 256 elements in 144 bytes, 4.5 bits each, 8 sub-blocks of 32;
// value = (d * scale) * code - (dmin * minimum), scale and minimum being 6-bit integers per sub-block.
//   0    f16 d
//   2    f16 dmin
//   4    12 bytes of scales and minima (SubScales in block_codec.h)
//   16   4 x 32 bytes of codes: byte j of chunk i holds column j of sub-block 2i low, of 2i + 1 high
#include "quant/block_codec.h"
#include "quant/super_affine_search.h"

namespace lathe {
namespace {

using namespace block_codec;

constexpr int kBytes = 144;

void split(const std::byte* block, BlockCodes& out) {
  split_sub_scales(block, out);
  for (int chunk = 0; chunk < 4; ++chunk)
    for (int j = 0; j < 32; ++j) {
      const int pair = byte_at(block, 16 + 32 * chunk + j);
      out.codes[64 * chunk + j] = static_cast<std::int8_t>(pair & 15);
      out.codes[64 * chunk + 32 + j] = static_cast<std::int8_t>(pair >> 4);
    }
}

// packed4k: 16 f16 d | 16 f16 dmin | 8 x 16 u8 scales | 8 x 16 u8 minima | 8 x 256 B codes
void pack_block(const std::byte* block, int lane, std::byte* record) {
  pack_sub_scales(block, block + 16, lane, record);
}

using Codes = factor_search::IntegerCodes<0, 15>;

void join(const std::int8_t* codes, std::byte* block) {
  for (int chunk = 0; chunk < 4; ++chunk)
    for (int j = 0; j < 32; ++j)
      block[16 + 32 * chunk + j] =
          static_cast<std::byte>(codes[64 * chunk + j] | codes[64 * chunk + 32 + j] << 4);
}

}  // namespace

extern constinit const BlockFormat kQ4_kFormat{
    .dtype = Dtype::q4_k,
    .packed = Dtype::packed4k,
    .group = 32,
    .factors = half_factors(0, 2),
    .decode = decode_blocks<split, kBytes, 256, 32, true>,
    .pack_group = pack_blocks<pack_block, kBytes, kPacked4k>,
    .split = split,
    .join = join,
    .nearest_code = factor_search::nearest_code<Codes>,
    .search = factor_search::search_super_affine_block<Codes, 32, 63, store_sub_scales, join>,
};

}  // namespace lathe
