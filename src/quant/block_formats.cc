// The table of block formats, and decoding of every type that a model file may hold.
#include <array>
#include <cstring>

#include "base/error.h"
#include "base/half.h"
#include "quant/block_format.h"
#include "quant/block_table.h"

namespace lathe {
namespace {

constexpr std::array kFormats = {
    &kQ4_0Format, &kQ4_1Format, &kQ5_0Format, &kQ5_1Format,
    &kQ8_0Format, &kQ4_kFormat, &kQ5_kFormat, &kQ6_kFormat,
};
constexpr std::size_t kFirst = static_cast<std::size_t>(Dtype::q4_0);
static_assert(kFormats.size() == static_cast<std::size_t>(Dtype::q6_k) - kFirst + 1);

template <class Stored>
void convert(const std::byte* source, float* values, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    Stored value;
    std::memcpy(&value, source + i * static_cast<std::int64_t>(sizeof value), sizeof value);
    values[i] = static_cast<float>(value);
  }
}

template <float (*Widen)(std::uint16_t)>
void widen(const std::byte* source, float* values, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    std::uint16_t bits = 0;
    std::memcpy(&bits, source + i * 2, sizeof bits);
    values[i] = Widen(bits);
  }
}

using Decode = void (*)(const std::byte* source, float* values, std::int64_t count);

// f32 to i64, in the order of Dtype.
constexpr std::array<Decode, kFirst> kElementDecoders = {
    convert<float>,       widen<half_to_float>,  widen<bfloat_to_float>, convert<double>,
    convert<std::int8_t>, convert<std::int16_t>, convert<std::int32_t>,  convert<std::int64_t>,
};

}  // namespace

const BlockFormat* block_format(Dtype dtype) {
  return is_block_quantized(dtype) ? kFormats[static_cast<std::size_t>(dtype) - kFirst] : nullptr;
}

void decode_rows(Dtype dtype, const std::byte* source, float* values, std::int64_t rows,
                 std::int64_t columns) {
  const std::int64_t count = rows * columns;
  if (const BlockFormat* format = block_format(dtype)) {
    format->decode(source, values, count / info(dtype).block_elements);
    return;
  }
  CHECK(static_cast<std::size_t>(dtype) < kFirst);
  kElementDecoders[static_cast<std::size_t>(dtype)](source, values, count);
}

}  // namespace lathe
