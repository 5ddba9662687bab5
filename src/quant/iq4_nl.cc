// iq4_nl: 32 elements in 18 bytes, 4.5 bits each; value = scale * kIq4Values[code], a table of 16 values that
// lie closer together around zero.
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
  split_table(block + 2, kIq4Values, out.codes);
}

// packed4t: 256 B codes | 16 f16 scales
void pack_block(const std::byte* block, int lane, std::byte* record) {
  store_nibbles(record, lane, block + 2);
  store_half(record + 256, lane, block);
}

using Codes = factor_search::TableCodes<kIq4Values>;
constexpr factor_search::TableIndex<kIq4Values> kIndex;

void join(const std::int8_t* codes, std::byte* block) { join_table(codes, kIndex, block + 2); }

}  // namespace

extern constinit const BlockFormat kIq4_nlFormat{
    .dtype = Dtype::iq4_nl,
    .packed = Dtype::packed4t,
    .group = 32,
    .factors = half_factors(0, 1),
    .decode = decode_blocks<split, kBytes, 32, 32, false>,
    .pack_group = pack_blocks<pack_block, kBytes, kPacked4t>,
    .split = split,
    .join = join,
    .nearest_code = factor_search::nearest_code<Codes>,
    .search = factor_search::search_scaled_block<Codes, join>,
};

}  // namespace lathe
