// q4_0: 32 elements in 18 bytes, 4.5 bits each; value = scale * (code - 8).
//   0   f16 scale
//   2   16 bytes of codes: byte j holds column j in its low half and column j + 16 in its high half
#include "quant/block_codec.h"
#include "quant/scale_search.h"

namespace lathe {
namespace {

using namespace block_codec;

constexpr int kBytes = 18;

void split(const std::byte* block, BlockCodes& out) {
  out.scales[0] = load_half(block);
  out.minima[0] = 0.0f;
  for (int j = 0; j < 16; ++j) {
    const int pair = byte_at(block, 2 + j);
    out.codes[j] = static_cast<std::int8_t>((pair & 15) - 8);
    out.codes[j + 16] = static_cast<std::int8_t>((pair >> 4) - 8);
  }
}

// packed4: 256 B codes | 16 f16 scales
void pack_block(const std::byte* block, int lane, std::byte* record) {
  store_nibbles(record, lane, block + 2);
  store_half(record + 256, lane, block);
}

using Codes = factor_search::IntegerCodes<-8, 7>;

void join(const std::int8_t* codes, std::byte* block) {
  for (int j = 0; j < 16; ++j)
    block[2 + j] = static_cast<std::byte>((codes[j] + 8) | (codes[j + 16] + 8) << 4);
}

}  // namespace

extern constinit const BlockFormat kQ4_0Format{
    .dtype = Dtype::q4_0,
    .packed = Dtype::packed4,
    .group = 32,
    .factors = half_factors(0, 1),
    .decode = decode_blocks<split, kBytes, 32, 32, false>,
    .pack_group = pack_blocks<pack_block, kBytes, kPacked4>,
    .split = split,
    .join = join,
    .nearest_code = factor_search::nearest_code<Codes>,
    .search = factor_search::search_scaled_block<Codes, join>,
};

}  // namespace lathe
