// q8_0: 32 elements in 34 bytes, 8.5 bits each; value = scale * code, code signed (-128 is legal in a file).
//   0   f16 scale
//   2   32 signed bytes
#include "quant/block_codec.h"
#include "quant/block_table.h"

namespace lathe {
namespace {

using namespace block_codec;

constexpr int kBytes = 34;

void split(const std::byte* block, BlockCodes& out) {
  out.scales[0] = load_half(block);
  out.minima[0] = 0.0f;
  std::memcpy(out.codes, block + 2, 32);
}

// packed8: 512 B codes | 16 f16 scales
void pack_block(const std::byte* block, int lane, std::byte* record) {
  for (int word = 0; word < 8; ++word) store_word(record, word, lane, load_word(block + 2 + 4 * word));
  store_half(record + 512, lane, block);
}

}  // namespace

constinit const BlockFormat kQ8_0Format{
    .dtype = Dtype::q8_0,
    .packed = Dtype::packed8,
    .decode = decode_blocks<split, kBytes, 32, 32, false>,
    .pack_group = pack_blocks<pack_block, kBytes, kPacked8>,
    .split = split,
};

}  // namespace lathe
