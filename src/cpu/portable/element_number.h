// Single elements of tensors of any float type or of i32 and i64, as numbers.
#pragma once

#include "cpu/portable/channel_numbers.h"

namespace lathe::portable {

inline bool is_given(const KernelCall& call, int input) {
  return input < call.input_count && call.inputs[input].dtype != static_cast<std::int32_t>(Dtype::none) &&
         element_count(call.inputs[input]) > 0;
}

inline std::int64_t whole_number(const TensorArg& tensor, std::int64_t index) {
  return tensor.dtype == static_cast<std::int32_t>(Dtype::i32) ? data_of<const std::int32_t>(tensor)[index]
                                                               : data_of<const std::int64_t>(tensor)[index];
}

inline bool has_text(const AttributeValue& attribute, std::string_view text) {
  return attribute.text == text;
}

}  // namespace lathe::portable
