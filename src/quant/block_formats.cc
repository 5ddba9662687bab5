// Finds a block format in the table, and decodes every type that a model file may hold.
#include <array>
#include <cstring>
#include <span>

#include "base/error.h"
#include "base/half.h"
#include "quant/block_format.h"

namespace lathe {
namespace {

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
constexpr std::array<Decode, static_cast<std::size_t>(Dtype::i64) + 1> kElementDecoders = {
    convert<float>,       widen<half_to_float>,  widen<bfloat_to_float>, convert<double>,
    convert<std::int8_t>, convert<std::int16_t>, convert<std::int32_t>,  convert<std::int64_t>,
};

}  // namespace

extern const std::span<const BlockFormat* const> kBlockFormats;  // in the generated block_table.cc

const BlockFormat* block_format(Dtype dtype) {
  for (const BlockFormat* format : kBlockFormats)
    if (format->dtype == dtype) return format;
  return nullptr;
}

void decode_rows(Dtype dtype, const std::byte* source, float* values, std::int64_t rows,
                 std::int64_t columns) {
  const std::int64_t count = rows * columns;
  if (const BlockFormat* format = block_format(dtype)) {
    format->decode(source, values, count / info(dtype).block_elements);
    return;
  }
  CHECK(static_cast<std::size_t>(dtype) < kElementDecoders.size());
  kElementDecoders[static_cast<std::size_t>(dtype)](source, values, count);
}

}  // namespace lathe
