#include "quant/quantize_rows.h"

#include <cstring>
#include <string>

#include "base/error.h"
#include "base/half.h"
#include "quant/block_format.h"

namespace lathe {
namespace {

template <std::uint16_t (*Round)(float)>
void narrow(const float* values, std::byte* destination, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    const std::uint16_t bits = Round(values[i]);
    std::memcpy(destination + 2 * i, &bits, sizeof bits);
  }
}

void quantize_blocks(const BlockFormat& format, const float* values, const float* importance,
                     std::int64_t rows, std::int64_t columns, std::byte* destination, Effort effort) {
  const DtypeInfo& block = info(format.dtype);
  if (effort == Effort::fast && importance == nullptr && format.encode != nullptr) {
    format.encode(values, destination, rows * columns / block.block_elements);
    return;
  }
  for (std::int64_t row = 0; row < rows; ++row)
    for (std::int64_t column = 0; column < columns; column += block.block_elements) {
      format.search(values, importance == nullptr ? nullptr : importance + column, destination);
      values += block.block_elements;
      destination += block.block_bytes;
    }
}

}  // namespace

bool can_quantize(Dtype dtype) {
  if (dtype == Dtype::f32 || dtype == Dtype::f16 || dtype == Dtype::bf16) return true;
  return block_format(dtype) != nullptr;
}

void quantize_rows(Dtype dtype, const float* values, const float* importance, std::int64_t rows,
                   std::int64_t columns, std::byte* destination, Effort effort) {
  const std::int64_t count = rows * columns;
  if (!can_quantize(dtype))
    throw Error(ErrorCode::unsupported, "nothing writes " + std::string(info(dtype).name));
  static_cast<void>(row_bytes(dtype, columns));
  if (dtype == Dtype::f32) {
    std::memcpy(destination, values, static_cast<std::size_t>(count) * sizeof(float));
  } else if (dtype == Dtype::f16) {
    narrow<float_to_half>(values, destination, count);
  } else if (dtype == Dtype::bf16) {
    narrow<float_to_bfloat>(values, destination, count);
  } else {
    quantize_blocks(*block_format(dtype), values, importance, rows, columns, destination, effort);
  }
}

}  // namespace lathe
