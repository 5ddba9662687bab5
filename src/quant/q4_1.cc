// q4_1: 32 elements in 20 bytes, 5 bits each; value = scale * code + minimum.
//   0   f16 scale
//   2   f16 minimum
//   4   16 bytes of codes: byte j holds column j in its low half and column j + 16 in its high half
#include <algorithm>

#include "quant/affine_search.h"
#include "quant/block_codec.h"

namespace lathe {
namespace {

using namespace block_codec;

constexpr int kBytes = 20;

void split(const std::byte* block, BlockCodes& out) {
  out.scales[0] = load_half(block);
  out.minima[0] = load_half(block + 2);
  for (int j = 0; j < 16; ++j) {
    const int pair = byte_at(block, 4 + j);
    out.codes[j] = static_cast<std::int8_t>(pair & 15);
    out.codes[j + 16] = static_cast<std::int8_t>(pair >> 4);
  }
}

// packed4m: 256 B codes | 16 f16 scales | 16 f16 minima
void pack_block(const std::byte* block, int lane, std::byte* record) {
  store_nibbles(record, lane, block + 4);
  store_half(record + 256, lane, block);
  store_half(record + 288, lane, block + 2);
}

/// The smallest value becomes code 0 and the largest code 15; halves round up.
void encode_block(const float* values, std::byte* block) {
  float minimum = values[0];
  float maximum = values[0];
  for (int j = 1; j < 32; ++j) {
    minimum = std::min(minimum, values[j]);
    maximum = std::max(maximum, values[j]);
  }
  const float scale = (maximum - minimum) / 15.0f;
  const float inverse = scale != 0.0f ? 1.0f / scale : 0.0f;
  store_as_half(block, scale + not_finite_mark(values, 32));
  store_as_half(block + 2, minimum);
  const auto code = [&](int j) {
    const float steps = (values[j] - minimum) * inverse + 0.5f;  // beyond 15 where 1 / scale overflowed
    return steps > 0.0f ? static_cast<int>(std::min(steps, 15.0f)) : 0;
  };
  for (int j = 0; j < 16; ++j) block[4 + j] = static_cast<std::byte>(code(j) | code(j + 16) << 4);
}

using Codes = factor_search::IntegerCodes<0, 15>;

void join(const std::int8_t* codes, std::byte* block) {
  for (int j = 0; j < 16; ++j) block[4 + j] = static_cast<std::byte>(codes[j] | codes[j + 16] << 4);
}

}  // namespace

extern constinit const BlockFormat kQ4_1Format{
    .dtype = Dtype::q4_1,
    .packed = Dtype::packed4m,
    .group = 32,
    .factors = half_factors(0, 2),
    .decode = decode_blocks<split, kBytes, 32, 32, true>,
    .pack_group = pack_blocks<pack_block, kBytes, kPacked4m>,
    .split = split,
    .join = join,
    .nearest_code = factor_search::nearest_code<Codes>,
    .search = factor_search::search_affine_block<Codes, join>,
    .encode = encode_blocks<encode_block, kBytes, 32>,
};

}  // namespace lathe
