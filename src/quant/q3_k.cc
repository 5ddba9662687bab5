// q3_k: 256 elements in 110 bytes, 3.4 bits each, 16 sub-blocks of 16;
// value = (d * (scale - 32)) * (code - 4), scale being a 6-bit integer per sub-block.
//   0     32 bytes of third bits: bit q of byte j belongs to column 32q + j
//   32    2 x 32 bytes of the lower two bits: bits 2q and 2q + 1 of byte j of run i belong to column
//         128i + 32q + j
//   96    12 bytes of scales A to P
//         bytes 0-3   IIIIAAAA JJJJBBBB KKKKCCCC LLLLDDDD   lower four bits of A to D and I to L
//         bytes 4-7   MMMMEEEE NNNNFFFF OOOOGGGG PPPPHHHH   of E to H and M to P
//         bytes 8-11  MMIIEEAA NNJJFFBB OOKKGGCC PPLLHHDD   upper two bits
//   108   f16 d
#include "quant/block_codec.h"
#include "quant/super_scale_search.h"

namespace lathe {
namespace {

using namespace block_codec;

constexpr int kBytes = 110;
constexpr int kLower = 32;
constexpr int kScales = 96;
constexpr int kFactor = 108;

int sub_scale(const std::byte* block, int s) {
  const int lower = byte_at(block, kScales + s % 8) >> (4 * (s / 8)) & 15;
  const int upper = byte_at(block, kScales + 8 + s % 4) >> (2 * (s / 4)) & 3;
  return upper << 4 | lower;
}

void split(const std::byte* block, BlockCodes& out) {
  const float d = load_half(block + kFactor);
  for (int s = 0; s < 16; ++s) {
    out.scales[s] = d * static_cast<float>(sub_scale(block, s) - 32);
    out.minima[s] = 0.0f;
  }
  for (int chunk = 0; chunk < 8; ++chunk)
    for (int j = 0; j < 32; ++j) {
      const int lower = byte_at(block, kLower + 32 * (chunk / 4) + j) >> (2 * (chunk % 4)) & 3;
      const int third = byte_at(block, j) >> chunk & 1;
      out.codes[32 * chunk + j] = static_cast<std::int8_t>((lower | third << 2) - 4);
    }
}

// packed3k: 16 f16 d | 16 x 16 u8 scales | 8 x 128 B lower bits | 8 x 64 B high bits
void pack_block(const std::byte* block, int lane, std::byte* record) {
  store_half(record, lane, block + kFactor);
  for (int s = 0; s < 16; ++s) record[32 + 16 * s + lane] = static_cast<std::byte>(sub_scale(block, s));
  std::uint32_t third[8];
  split_high_bits(block, third);
  for (int chunk = 0; chunk < 8; ++chunk) {
    store_two_bits(record + 288 + 128 * chunk, lane, block + kLower + 32 * (chunk / 4), 2 * (chunk % 4));
    store_high_bits(record + 1312 + 64 * chunk, lane, third[chunk]);
  }
}

using Codes = factor_search::IntegerCodes<-4, 3>;

void join(const std::int8_t* codes, std::byte* block) {
  std::memset(block, 0, kScales);
  for (int chunk = 0; chunk < 8; ++chunk)
    for (int j = 0; j < 32; ++j) {
      const int code = codes[32 * chunk + j] + 4;
      block[kLower + 32 * (chunk / 4) + j] |= static_cast<std::byte>((code & 3) << (2 * (chunk % 4)));
      block[j] |= static_cast<std::byte>(code >> 2 << chunk);
    }
}

void store_factors(std::uint16_t d, const std::int8_t scales[16], std::byte* block) {
  std::memcpy(block + kFactor, &d, sizeof d);
  std::memset(block + kScales, 0, 12);
  for (int s = 0; s < 16; ++s) {
    const int stored = scales[s] + 32;
    block[kScales + s % 8] |= static_cast<std::byte>((stored & 15) << (4 * (s / 8)));
    block[kScales + 8 + s % 4] |= static_cast<std::byte>(stored >> 4 << (2 * (s / 4)));
  }
}

}  // namespace

extern constinit const BlockFormat kQ3_kFormat{
    .dtype = Dtype::q3_k,
    .packed = Dtype::packed3k,
    .group = 16,
    .factors = half_factors(kFactor, 1),
    .decode = decode_blocks<split, kBytes, 256, 16, false>,
    .pack_group = pack_blocks<pack_block, kBytes, kPacked3k>,
    .split = split,
    .join = join,
    .nearest_code = factor_search::nearest_code<Codes>,
    .search = factor_search::search_super_scaled_block<Codes, 16, -32, 31, store_factors, join>,
};

}  // namespace lathe
