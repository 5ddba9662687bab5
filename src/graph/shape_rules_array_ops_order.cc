// Shape rules of ops that compare elements, and of those whose result is as long as their data says.
#include <algorithm>

#include "graph/rule_check.h"
#include "graph/select_boxes.h"
#include "graph/shape_rules_array_ops.h"
#include "graph/unique_slices.h"
#include "tensor/element_format.h"

namespace lathe::array_rules {
namespace {

void require_number(const RuleCheck& check) {
  if (!has_format(check.dtype(0))) check.fail_input(0, "must be of a type of numbers");
}

/// Of a ranked input 0, which must have an axis.
std::size_t axis_attribute(const RuleCheck& check) {
  if (check.dims(0).empty()) check.fail_input(0, "must have at least one dimension");
  return check.axis(check.integer("axis"), check.dims(0).size());
}

void require_scalar(const RuleCheck& check, std::size_t input) {
  if (const auto count = check.length(input); count && *count != 1)
    check.fail_input(input, "must have one element");
}

/// The value's elements in front of `axis` and behind it.
SliceView slices_of(const TensorView& value, std::size_t axis) {
  SliceView view{value.data, value.dtype, 1, value.shape[axis], 1};
  for (std::size_t i = 0; i < axis; ++i) view.outer *= value.shape[i];
  for (std::size_t i = axis + 1; i < value.shape.size(); ++i) view.inner *= value.shape[i];
  return view;
}

template <class Element>
Element number_of(const TensorView& value, Element otherwise) {
  return value.data == nullptr ? otherwise : *reinterpret_cast<const Element*>(value.data);
}

}  // namespace

Types arg_extreme(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"data"});
  require_number(check);
  const bool keep = check.integer("keepdims", 0, 1) == 1;
  check.integer("select_last_index", 0, 1);
  if (!check.ranked(0)) return {ValueType::unranked(Dtype::i64)};
  const auto axis = axis_attribute(check);
  Dims dims = check.dims(0);
  if (dims[axis] == Dim(0)) check.fail_input(0, "has no elements along the axis");
  dims[axis] = 1;
  if (!keep) dims.erase(dims.begin() + static_cast<std::ptrdiff_t>(axis));
  return {{Dtype::i64, dims}};
}

Types top_k(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"X", "K"});
  require_number(check);
  check.require_dtype(1, {Dtype::i64});
  require_scalar(check, 1);
  check.integer("largest", 0, 1);
  check.integer("sorted", 0, 1);
  if (!check.ranked(0)) return {ValueType::unranked(check.dtype(0)), ValueType::unranked(Dtype::i64)};
  const auto axis = axis_attribute(check);
  Dims dims = check.dims(0);
  const Dim whole = dims[axis];
  const auto k = check.integers(1);
  if (k && (k->at(0) < 0 || (!whole.is_symbolic() && k->at(0) > whole.value)))
    check.fail_input(1, std::to_string(k->at(0)) + " is not 0 to " + to_string(whole));
  dims[axis] = k && !whole.is_symbolic() ? Dim(k->at(0)) : Dim::unknown();
  return {{check.dtype(0), dims}, {Dtype::i64, dims}};
}

Types cumulative(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"x", "axis"});
  require_number(check);
  check.require_dtype(1, {Dtype::i32, Dtype::i64});
  require_scalar(check, 1);
  check.integer("exclusive", 0, 1);
  check.integer("reverse", 0, 1);
  if (!check.ranked(0)) return {check.type(0)};
  if (check.dims(0).empty()) check.fail_input(0, "must have at least one dimension");
  const auto axis = check.integers(1);
  if (!axis) return {uncertain(check.dtype(0), check.dims(0))};
  check.axis(axis->at(0), check.dims(0).size());
  return {check.type(0)};
}

Types hardmax(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"input"});
  check.require_dtype(0, {Dtype::f32, Dtype::f64, Dtype::f16, Dtype::bf16});
  if (check.ranked(0)) axis_attribute(check);
  return {check.type(0)};
}

Types non_zero(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"X"});
  require_number(check);
  if (!check.ranked(0)) return {{Dtype::i64, unknown_dims(2)}};
  Dim count = Dim::unknown();
  const TensorView& value = check.value(0);
  if (value.data != nullptr)
    visit_format(value.dtype, [&]<class Format>(Format) {
      using Stored = typename Format::Stored;
      const auto* elements = reinterpret_cast<const Stored*>(value.data);
      count = std::count_if(elements, elements + element_count(value.shape),
                            [](Stored element) { return Format::load(element) != typename Format::Value{}; });
    });
  return {{Dtype::i64, {check.dims(0).size(), count}}};
}

Types compress(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"input", "condition"});
  if (!is_element(check.dtype(0))) check.fail_input(0, "must be of an element type");
  check.require_dtype(1, {Dtype::boolean});
  check.require_rank(1, 1);
  if (!check.ranked(0)) return {ValueType::unranked(check.dtype(0))};
  const auto axis = axis_attribute(check);
  Dims dims = check.dims(0);
  const Dim whole = dims[axis];
  dims[axis] = Dim::unknown();
  const TensorView& condition = check.value(1);
  if (condition.data == nullptr || whole.is_symbolic()) return {{check.dtype(0), dims}};
  const auto length = element_count(condition.shape);
  if (length > whole.value) check.fail_input(1, "is longer than the axis, " + to_string(whole));
  dims[axis] = std::count_if(condition.data, condition.data + length,
                             [](std::byte element) { return element != std::byte{}; });
  return {{check.dtype(0), dims}};
}

Types unique(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"X"});
  require_number(check);
  const bool sorted = check.integer("sorted", 0, 1) == 1;
  constexpr std::int64_t kMostOutputs = 4;
  const auto outputs = static_cast<std::size_t>(check.integer("outputs", 1, kMostOutputs));
  Dim groups = Dim::unknown();
  Dim slices = Dim::unknown();
  ValueType found = ValueType::unranked(check.dtype(0));
  if (check.ranked(0)) {
    const auto axis = axis_attribute(check);
    found = check.type(0);
    slices = found.dims[axis];
    if (check.value(0).data != nullptr)
      groups = unique_slices(slices_of(check.value(0), axis), sorted).first.size();
    found.dims[axis] = groups;
  }
  const Types all = {found, {Dtype::i64, {groups}}, {Dtype::i64, {slices}}, {Dtype::i64, {groups}}};
  return {all.begin(), all.begin() + static_cast<std::ptrdiff_t>(outputs)};
}

Types non_max_suppression(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(
      inputs, node, {"boxes", "scores", "max_output_boxes_per_class", "iou_threshold", "score_threshold"});
  const bool centered = check.integer("center_point_box", 0, 1) == 1;
  for (const std::size_t i : {std::size_t{0}, std::size_t{1}}) {
    check.require_dtype(i, {Dtype::f32});
    check.require_rank(i, 3);
  }
  for (std::size_t i = 2; i < check.count(); ++i) {
    if (!check.has(i)) continue;
    check.require_dtype(i, {i == 2 ? Dtype::i64 : Dtype::f32});
    require_scalar(check, i);
  }
  check.require_equal(0, 2, 4, "a box");
  if (check.ranked(0) && check.ranked(1)) {
    check.require_equal(1, 0, check.dims(0)[0], "the batches");
    check.require_equal(1, 2, check.dims(0)[1], "the boxes");
  }
  const auto known = [&check](std::size_t i) { return !check.has(i) || check.value(i).data != nullptr; };
  Dim count = Dim::unknown();
  bool all = true;
  for (std::size_t i = 0; i < check.count(); ++i) all = all && known(i);
  if (all) {
    const auto given = [&check](std::size_t i) { return check.has(i) ? check.value(i) : TensorView{}; };
    const Shape& scores = check.value(1).shape;
    count = select_boxes({reinterpret_cast<const float*>(check.value(0).data),
                          reinterpret_cast<const float*>(check.value(1).data), scores[0], scores[1],
                          scores[2], number_of<std::int64_t>(given(2), 0), number_of(given(3), 0.0f),
                          check.has(4), number_of(given(4), 0.0f), centered})
                .size();
  }
  return {{Dtype::i64, {count, 3}}};
}

}  // namespace lathe::array_rules
