// Numbers that belong to a channel (scale, bias, mean), of any float type.
#pragma once

#include "base/half.h"
#include "cpu/portable/kernel_arguments.h"

namespace lathe::portable {

inline double channel_number(const TensorArg& tensor, std::int64_t index) {
  switch (static_cast<Dtype>(tensor.dtype)) {
    case Dtype::f64:
      return data_of<const double>(tensor)[index];
    case Dtype::f16:
      return static_cast<double>(half_to_float(data_of<const std::uint16_t>(tensor)[index]));
    case Dtype::bf16:
      return static_cast<double>(bfloat_to_float(data_of<const std::uint16_t>(tensor)[index]));
    default:
      return static_cast<double>(data_of<const float>(tensor)[index]);
  }
}

inline void set_channel_number(const TensorArg& tensor, std::int64_t index, double value) {
  const auto rounded = static_cast<float>(value);
  switch (static_cast<Dtype>(tensor.dtype)) {
    case Dtype::f64:
      data_of<double>(tensor)[index] = value;
      return;
    case Dtype::f16:
      data_of<std::uint16_t>(tensor)[index] = float_to_half(rounded);
      return;
    case Dtype::bf16:
      data_of<std::uint16_t>(tensor)[index] = float_to_bfloat(rounded);
      return;
    default:
      data_of<float>(tensor)[index] = rounded;
  }
}

}  // namespace lathe::portable
