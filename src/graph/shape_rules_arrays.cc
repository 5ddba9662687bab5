// Shape rules: ONNX's ops on arrays of any rank, with broadcasting.
#include <algorithm>

#include "graph/dim_expression.h"
#include "graph/shape_check.h"
#include "graph/shape_rules.h"
#include "graph/text_lists.h"

namespace lathe::shape_rules {
namespace {

/// Two inputs' dimensions broadcast; fails at the second where they do not.
Dims broadcast_inputs(const ShapeCheck& check, const Dims& a, std::size_t b) {
  auto dims = broadcast(a, check.type(b).dims);
  if (!dims) check.fail_input(b, "does not broadcast with " + to_string(ValueType{Dtype::f32, a}));
  return *std::move(dims);
}

Dims shape_attribute(const ShapeCheck& check, const Node& node) {
  auto dims = parse_dims(node.text("shape"));
  if (!dims) check.fail("shape must be dimensions with commas between, not \"" + node.text("shape") + '"');
  if (dims->size() > kMaxDims) check.fail("shape has more than " + std::to_string(kMaxDims) + " dimensions");
  return *std::move(dims);
}

/// An axis attribute, counted from the back where negative.
std::size_t axis_of(const ShapeCheck& check) {
  const auto rank = static_cast<std::int64_t>(check.type(0).dims.size());
  if (rank == 0) check.fail_input(0, "must have at least one dimension");
  const auto axis = check.integer("axis", -rank, rank - 1);
  return static_cast<std::size_t>(axis < 0 ? axis + rank : axis);
}

/// The dimension that -1 stands for: what is left of the input's elements. Empty where nothing fits.
std::optional<Dim> remaining_dim(const Dims& from, const Dims& to) {
  Dim elements = 1;
  for (const auto& dim : from) elements = product_of(elements, dim);
  Dim others = 1;
  for (const auto& dim : to)
    if (dim != Dim(-1)) others = product_of(others, dim);
  if (elements == Dim(0)) return std::nullopt;
  return exact_quotient_of(elements, others);
}

}  // namespace

Types binary(Inputs inputs, const Node& node) {
  const ShapeCheck check(inputs, node, {"a", "b"});
  check.require_dtype(0, Dtype::f32);
  check.require_dtype(1, Dtype::f32);
  return {{Dtype::f32, broadcast_inputs(check, check.type(0).dims, 1)}};
}

Types identity(Inputs inputs, const Node& node) {
  const ShapeCheck check(inputs, node, {"x"});
  if (info(check.type(0).dtype).block_elements != 1) check.fail_input(0, "must not be of a block type");
  return {check.type(0)};
}

Types where(Inputs inputs, const Node& node) {
  const ShapeCheck check(inputs, node, {"condition", "a", "b"});
  check.require_dtype(0, Dtype::i8);
  check.require_dtype(1, Dtype::f32);
  check.require_dtype(2, Dtype::f32);
  return {{Dtype::f32, broadcast_inputs(check, broadcast_inputs(check, check.type(0).dims, 1), 2)}};
}

Types clip(Inputs inputs, const Node& node) {
  const ShapeCheck check(inputs, node, {"x"});
  if (!(node.real("min") <= node.real("max"))) check.fail("min must not be greater than max");
  return activation_function(inputs, node);
}

Types expand(Inputs inputs, const Node& node) {
  const ShapeCheck check(inputs, node, {"x"});
  check.require_dtype(0, Dtype::f32);
  const auto dims = broadcast(check.type(0).dims, shape_attribute(check, node));
  if (!dims) check.fail_input(0, "does not broadcast with \"" + node.text("shape") + '"');
  return {{Dtype::f32, *dims}};
}

Types reshape(Inputs inputs, const Node& node) {
  const ShapeCheck check(inputs, node, {"x"});
  const auto& from = check.type(0).dims;
  if (info(check.type(0).dtype).block_elements != 1) check.fail_input(0, "must not be of a block type");
  Dims to = shape_attribute(check, node);
  for (std::size_t i = 0; i < to.size(); ++i)
    if (to[i] == Dim(0) && i < from.size()) to[i] = from[i];
  if (std::ranges::count(to, Dim(-1)) > 1) check.fail("shape has more than one -1");
  if (const auto rest = std::ranges::find(to, Dim(-1)); rest != to.end()) {
    const auto dim = remaining_dim(from, to);
    if (!dim) check.fail_input(0, "does not divide into \"" + node.text("shape") + '"');
    *rest = *dim;
  }
  if (!same_element_count(from, to))
    check.fail_input(0, "has not the elements of \"" + node.text("shape") + '"');
  return {{check.type(0).dtype, to}};
}

Types transpose(Inputs inputs, const Node& node) {
  const ShapeCheck check(inputs, node, {"x"});
  check.require_dtype(0, Dtype::f32);
  const auto& from = check.type(0).dims;
  const auto permutation = parse_permutation(node.text("perm"), from.size());
  if (!permutation) check.fail_input(0, "has no permutation \"" + node.text("perm") + "\" of its axes");
  Dims to;
  for (const auto axis : *permutation) to.push_back(from[axis]);
  return {{Dtype::f32, to}};
}

Types softmax(Inputs inputs, const Node& node) {
  const ShapeCheck check(inputs, node, {"x"});
  check.require_dtype(0, Dtype::f32);
  axis_of(check);
  return {check.type(0)};
}

Types softmax_top_k(Inputs inputs, const Node& node) {
  const ShapeCheck check(inputs, node, {"x"});
  check.require_dtype(0, Dtype::f32);
  const auto axis = axis_of(check);
  Dims dims = check.type(0).dims;
  if (dims[axis].is_symbolic()) check.fail_input(0, "must have a number along axis");
  const auto k = check.integer("k", 0, dims[axis].value);
  check.integer("largest", 0, 1);
  check.integer("log", 0, 1);
  dims[axis] = Dim(k);
  return {{Dtype::f32, dims}, {Dtype::i64, dims}};
}

Types reduce(Inputs inputs, const Node& node) {
  const ShapeCheck check(inputs, node, {"x"});
  check.require_dtype(0, Dtype::f32);
  const bool keep = check.integer("keepdims", 0, 1) == 1;
  const auto& from = check.type(0).dims;
  const auto axes = parse_axes(node.text("axes"), from.size());
  if (!axes) check.fail_input(0, "has no axes \"" + node.text("axes") + '"');
  Dims to;
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (!std::ranges::binary_search(*axes, i))
      to.push_back(from[i]);
    else if (keep)
      to.emplace_back(1);
  }
  return {{Dtype::f32, to}};
}

}  // namespace lathe::shape_rules
