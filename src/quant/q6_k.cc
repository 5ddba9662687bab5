// q6_k: 256 elements in 210 bytes, 6.6 bits each, 16 sub-blocks of 16; value = (d * scale) * (code - 32).
//   0     2 x 64 bytes of the lower four bits, one run per half of the block
//   128   2 x 32 bytes of the upper two bits, one run per half
//   192   16 signed bytes of scales
//   208   f16 d
// Columns 32q to 32q + 31 of a half (q = 0 to 3) have their lower bits in bytes 32 * (q % 2) on of its run,
// low nibble for q < 2 and high nibble else, and their upper bits in bits 2q and 2q + 1 of its 32 bytes.
#include "quant/block_codec.h"
#include "quant/super_scale_search.h"

namespace lathe {
namespace {

using namespace block_codec;

constexpr int kBytes = 210;
constexpr int kUpper = 128;
constexpr int kScales = 192;
constexpr int kFactor = 208;

void split(const std::byte* block, BlockCodes& out) {
  const float d = load_half(block + kFactor);
  for (int s = 0; s < 16; ++s) {
    out.scales[s] = d * static_cast<float>(static_cast<std::int8_t>(block[kScales + s]));
    out.minima[s] = 0.0f;
  }
  for (int half = 0; half < 2; ++half)
    for (int q = 0; q < 4; ++q)
      for (int j = 0; j < 32; ++j) {
        const int lower = (byte_at(block, 64 * half + 32 * (q % 2) + j) >> (4 * (q / 2))) & 15;
        const int upper = (byte_at(block, kUpper + 32 * half + j) >> (2 * q)) & 3;
        out.codes[128 * half + 32 * q + j] = static_cast<std::int8_t>((lower | (upper << 4)) - 32);
      }
}

// packed6k: 16 f16 d | 16 x 16 i8 scales | 8 x 256 B low nibbles | 8 x 128 B high bits
void pack_block(const std::byte* block, int lane, std::byte* record) {
  store_half(record, lane, block + kFactor);
  for (int s = 0; s < 16; ++s) record[32 + 16 * s + lane] = block[kScales + s];
  for (int half = 0; half < 2; ++half)
    for (int q = 0; q < 4; ++q) {
      const int chunk = 4 * half + q;
      const std::byte* lower = block + 64 * half + 32 * (q % 2);
      std::byte* nibbles = record + 288 + 256 * chunk;
      for (int word = 0; word < 4; ++word) {
        const std::uint32_t first = (load_word(lower + 4 * word) >> (4 * (q / 2))) & kLowNibbles;
        const std::uint32_t second = (load_word(lower + 16 + 4 * word) >> (4 * (q / 2))) & kLowNibbles;
        store_word(nibbles, word, lane, first | (second << 4));
      }
      store_two_bits(record + 2336 + 128 * chunk, lane, block + kUpper + 32 * half, 2 * q);
    }
}

using Codes = factor_search::IntegerCodes<-32, 31>;

void join(const std::int8_t* codes, std::byte* block) {
  std::memset(block, 0, kScales);
  for (int half = 0; half < 2; ++half)
    for (int q = 0; q < 4; ++q)
      for (int j = 0; j < 32; ++j) {
        const int code = codes[128 * half + 32 * q + j] + 32;
        block[64 * half + 32 * (q % 2) + j] |= static_cast<std::byte>((code & 15) << (4 * (q / 2)));
        block[kUpper + 32 * half + j] |= static_cast<std::byte>(code >> 4 << (2 * q));
      }
}

void store_factors(std::uint16_t d, const std::int8_t scales[16], std::byte* block) {
  std::memcpy(block + kScales, scales, 16);
  std::memcpy(block + kFactor, &d, sizeof d);
}

}  // namespace

extern constinit const BlockFormat kQ6_kFormat{
    .dtype = Dtype::q6_k,
    .packed = Dtype::packed6k,
    .group = 16,
    .factors = half_factors(kFactor, 1),
    .decode = decode_blocks<split, kBytes, 256, 16, false>,
    .pack_group = pack_blocks<pack_block, kBytes, kPacked6k>,
    .split = split,
    .join = join,
    .nearest_code = factor_search::nearest_code<Codes>,
    .search = factor_search::search_super_scaled_block<Codes, 16, -128, 127, store_factors, join>,
};

}  // namespace lathe
