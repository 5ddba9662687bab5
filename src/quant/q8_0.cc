// q8_0: 32 elements in 34 bytes, 8.5 bits each; value = scale * code, code signed (-128 is legal in a file).
//   0   f16 scale
//   2   32 signed bytes
#include <algorithm>
#include <cmath>

#include "quant/block_codec.h"
#include "quant/scale_search.h"

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

/// The largest magnitude becomes code 127; halves round away from zero.
void encode_block(const float* values, std::byte* block) {
  float largest = 0.0f;
  for (int j = 0; j < 32; ++j) largest = std::max(largest, std::abs(values[j]));
  const float scale = largest / 127.0f;
  const float inverse = scale != 0.0f ? 1.0f / scale : 0.0f;
  store_as_half(block, scale + not_finite_mark(values, 32));
  for (int j = 0; j < 32; ++j) {
    const float code = std::round(values[j] * inverse);  // beyond 127 where 1 / scale overflowed
    block[2 + j] = static_cast<std::byte>(code > -127.0f ? static_cast<int>(std::min(code, 127.0f)) : -127);
  }
}

using Codes = factor_search::IntegerCodes<-127, 127>;

void join(const std::int8_t* codes, std::byte* block) { std::memcpy(block + 2, codes, 32); }

}  // namespace

extern constinit const BlockFormat kQ8_0Format{
    .dtype = Dtype::q8_0,
    .packed = Dtype::packed8,
    .group = 32,
    .factors = half_factors(0, 1),
    .decode = decode_blocks<split, kBytes, 32, 32, false>,
    .pack_group = pack_blocks<pack_block, kBytes, kPacked8>,
    .split = split,
    .join = join,
    .nearest_code = factor_search::nearest_code<Codes>,
    .search = factor_search::search_scaled_block<Codes, join>,
    .encode = encode_blocks<encode_block, kBytes, 32>,
};

}  // namespace lathe
