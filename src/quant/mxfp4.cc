// mxfp4: 32 elements in 17 bytes, 4.25 bits each, of the OCP Microscaling specification;
// value = 2^(exponent - 127) * e2m1, here 2^(exponent - 128) * kE2m1Doubled[code].
//   0   exponent (E8M0), 255 is NaN
//   1   16 bytes of codes: byte j holds column j in its low half and column j + 16 in its high half
//       code (E2M1): sign 1 | exponent 2 (bias 1) | mantissa 1
#include "quant/block_codec.h"
#include "quant/e8m0.h"

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

}  // namespace

extern constinit const BlockFormat kMxfp4Format{
    .dtype = Dtype::mxfp4,
    .packed = Dtype::packed4x,
    .group = 32,
    .factors = {.offset = 0, .count = 1, .bytes = 1, .exponent = 0xff},
    .decode = decode_blocks<split, kBytes, 32, 32, false>,
    .pack_group = pack_blocks<pack_block, kBytes, kPacked4x>,
    .split = split,
};

}  // namespace lathe
