// q2_k: 256 elements in 84 bytes, 2.625 bits each, 16 sub-blocks of 16;
// value = (d * scale) * code - (dmin * minimum), scale and minimum being 4-bit integers per sub-block.
//   0    16 bytes, one per sub-block: scale in the low half, minimum in the high half
//   16   2 x 32 bytes of codes: bits 2q and 2q + 1 of byte j of run i belong to column 128i + 32q + j
//   80   f16 d
//   82   f16 dmin
#include "quant/block_codec.h"
#include "quant/super_affine_search.h"

namespace lathe {
namespace {

using namespace block_codec;

constexpr int kBytes = 84;
constexpr int kCodes = 16;
constexpr int kFactors = 80;

void split(const std::byte* block, BlockCodes& out) {
  const float d = load_half(block + kFactors);
  const float dmin = load_half(block + kFactors + 2);
  for (int s = 0; s < 16; ++s) {
    out.scales[s] = d * static_cast<float>(byte_at(block, s) & 15);
    out.minima[s] = -(dmin * static_cast<float>(byte_at(block, s) >> 4));
  }
  for (int chunk = 0; chunk < 8; ++chunk)
    for (int j = 0; j < 32; ++j)
      out.codes[32 * chunk + j] =
          static_cast<std::int8_t>(byte_at(block, kCodes + 32 * (chunk / 4) + j) >> (2 * (chunk % 4)) & 3);
}

// packed2k: 16 f16 d | 16 f16 dmin | 16 x 16 B scales and minima | 8 x 128 B codes
void pack_block(const std::byte* block, int lane, std::byte* record) {
  store_half(record, lane, block + kFactors);
  store_half(record + 32, lane, block + kFactors + 2);
  for (int s = 0; s < 16; ++s) record[64 + 16 * s + lane] = block[s];
  for (int chunk = 0; chunk < 8; ++chunk)
    store_two_bits(record + 320 + 128 * chunk, lane, block + kCodes + 32 * (chunk / 4), 2 * (chunk % 4));
}

using Codes = factor_search::IntegerCodes<0, 3>;

void join(const std::int8_t* codes, std::byte* block) {
  std::memset(block + kCodes, 0, kFactors - kCodes);
  for (int chunk = 0; chunk < 8; ++chunk)
    for (int j = 0; j < 32; ++j)
      block[kCodes + 32 * (chunk / 4) + j] |=
          static_cast<std::byte>(codes[32 * chunk + j] << (2 * (chunk % 4)));
}

void store_factors(const std::uint16_t halves[2], const std::uint8_t scales[16],
                   const std::uint8_t minima[16], std::byte* block) {
  std::memcpy(block + kFactors, halves, 4);
  for (int s = 0; s < 16; ++s) block[s] = static_cast<std::byte>(scales[s] | minima[s] << 4);
}

}  // namespace

extern constinit const BlockFormat kQ2_kFormat{
    .dtype = Dtype::q2_k,
    .packed = Dtype::packed2k,
    .group = 16,
    .factors = half_factors(kFactors, 2),
    .decode = decode_blocks<split, kBytes, 256, 16, true>,
    .pack_group = pack_blocks<pack_block, kBytes, kPacked2k>,
    .split = split,
    .join = join,
    .nearest_code = factor_search::nearest_code<Codes>,
    .search = factor_search::search_super_affine_block<Codes, 16, 15, store_factors, join>,
};

}  // namespace lathe
