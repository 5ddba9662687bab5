// What ConvCodes and LinearCodes do with an exact sum (graph/code_product.h).
#pragma once

#include <cmath>
#include <cstdint>

#include "cpu/code_epilogue.h"
#include "cpu/portable/typed.h"

namespace lathe::portable {

static_assert(static_cast<std::int32_t>(Dtype::i8) == codes::kI8);
static_assert(static_cast<std::int32_t>(Dtype::u8) == codes::kU8);
static_assert(static_cast<std::int32_t>(Dtype::none) == codes::kNone);

/// Writes element i of y, which belongs to a row of the weights.
inline void finish_sum(const codes::Epilogue& epilogue, std::int64_t i, std::int64_t row, std::int32_t sum) {
  if (epilogue.in_one_step) {
    const auto start =
        static_cast<std::uint32_t>(epilogue.whole_bias == nullptr ? 0 : epilogue.whole_bias[row]);
    const auto total = static_cast<std::int32_t>(start + static_cast<std::uint32_t>(sum));
    const double zero = epilogue.y_zero;
    double code = static_cast<double>(total) * static_cast<double>(epilogue.factors[row]) + zero;
    const double low = static_cast<double>(epilogue.least) + zero;
    code = code > low ? code : low;  // a NaN too
    code = code < low + 255 ? code : low + 255;
    static_cast<std::uint8_t*>(epilogue.y)[i] =
        static_cast<std::uint8_t>(static_cast<std::int32_t>(std::nearbyint(code)));
    return;
  }
  float value = static_cast<float>(sum) * epilogue.factors[row];
  if (epilogue.bias != nullptr) value += epilogue.bias[row];
  if (epilogue.addend != nullptr && epilogue.addend_dtype == codes::kI8)
    value +=
        (static_cast<const std::int8_t*>(epilogue.addend)[i] - epilogue.addend_zero) * epilogue.addend_scale;
  else if (epilogue.addend != nullptr && epilogue.addend_dtype == codes::kU8)
    value +=
        (static_cast<const std::uint8_t*>(epilogue.addend)[i] - epilogue.addend_zero) * epilogue.addend_scale;
  else if (epilogue.addend != nullptr)
    value += static_cast<const float*>(epilogue.addend)[i];
  if (!epilogue.is_codes) {
    value = value < epilogue.least ? epilogue.least : value;
    static_cast<float*>(epilogue.y)[i] = value > epilogue.most ? epilogue.most : value;
    return;
  }
  // bounds that are whole numbers hold what is rounded too
  value /= epilogue.y_scale;
  value = value > epilogue.least ? value : epilogue.least;  // a NaN too
  value = value < epilogue.most ? value : epilogue.most;
  static_cast<std::uint8_t*>(epilogue.y)[i] =
      static_cast<std::uint8_t>(static_cast<std::int32_t>(std::nearbyint(value)) + epilogue.y_zero);
}

}  // namespace lathe::portable
