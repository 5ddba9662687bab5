#include "graph/shape_check.h"

#include "base/error.h"

namespace lathe {

void ShapeCheck::require_dtype(std::size_t input, Dtype dtype) const {
  if (type(input).dtype != dtype) fail_input(input, "must be " + std::string(info(dtype).name));
}

void ShapeCheck::require_float_product() const {
  const Dtype x = inputs_[0].dtype;
  if (x != Dtype::bf16) require_dtype(0, Dtype::f32);
  if (is_float_factor(x, inputs_[1].dtype)) return;
  fail_input(1, x == Dtype::bf16 ? "must be bf16 or packed_bf16"
                                 : "must be a type of model files, packed_f32, packed_bf16 or packed_f16");
}

void ShapeCheck::require_rank(std::size_t input, std::size_t rank) const {
  if (type(input).dims.size() != rank) fail_input(input, "must have " + std::to_string(rank) + " dimensions");
}

void ShapeCheck::require_dim(std::size_t input, std::size_t axis, const Dim& expected,
                             std::string_view of) const {
  if (dim(input, axis) != expected && !dim(input, axis).is_unknown() && !expected.is_unknown())
    fail_input(input, "dimension " + std::to_string(axis) + " must be " + to_string(expected) + " (" +
                          std::string(of) + ")");
}

std::int64_t ShapeCheck::number(std::size_t input, std::size_t axis) const {
  const auto& found = dim(input, axis);
  if (found.is_symbolic() || found.value < 1)
    fail_input(input, "dimension " + std::to_string(axis) + " must be a number of at least 1");
  return found.value;
}

std::int64_t ShapeCheck::integer(std::string_view attribute, std::int64_t minimum,
                                 std::int64_t maximum) const {
  const auto value = node_.integer(attribute);
  if (value < minimum || value > maximum)
    fail(std::string(attribute) + " is " + std::to_string(value) + ", and must be " +
         std::to_string(minimum) + " to " + std::to_string(maximum));
  return value;
}

void ShapeCheck::fail(const std::string& message) const {
  std::string text(node_.op->name);
  if (!node_.name.empty()) text += " " + printable(node_.name);
  throw Error(ErrorCode::invalid_argument, text + ": " + message);
}

void ShapeCheck::fail_input(std::size_t input, const std::string& message) const {
  fail("input " + std::to_string(input) + " (" + std::string(input_names_[input]) + ") is " +
       to_string(type(input)) + ": " + message);
}

}  // namespace lathe
