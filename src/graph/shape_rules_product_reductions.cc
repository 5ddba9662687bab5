// Shape rules: reductions over axes that may only be known at run time, and softmax.
#include <algorithm>

#include "graph/rule_check.h"
#include "graph/shape_rules_product.h"

namespace lathe::shape_rules {
namespace {

constexpr auto kWideTypes = {Dtype::f32, Dtype::f64, Dtype::f16, Dtype::bf16,
                             Dtype::i32, Dtype::i64, Dtype::u32, Dtype::u64};
constexpr auto kEndTypes = {Dtype::f32, Dtype::f64, Dtype::f16, Dtype::bf16, Dtype::i32,    Dtype::i64,
                            Dtype::u32, Dtype::u64, Dtype::i8,  Dtype::u8,   Dtype::boolean};

void require_reduced_dtype(const RuleCheck& check, const Node& node) {
  const bool end = node.op->name == "ReduceMaxAny" || node.op->name == "ReduceMinAny";
  check.require_dtype(0, end ? kEndTypes : kWideTypes);
}

}  // namespace

/// x, axes i64[n] -> x without the axes, or with ones in their place; attributes axes, keepdims,
/// noop_with_empty_axes
ProductTypes reduce_any(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"x", "axes"});
  require_reduced_dtype(check, node);
  const bool keep = check.integer("keepdims", 0, 1) != 0;
  const bool noop = check.integer("noop_with_empty_axes", 0, 1) != 0;
  auto axes = std::optional(check.integers_of("axes"));
  if (check.has(1)) {
    if (!axes->empty()) check.fail("axes are both an attribute and an input");
    check.require_dtype(1, {Dtype::i64, Dtype::i32});
    axes = check.integers(1);
  }
  if (!check.ranked(0)) return {ValueType::unranked(check.dtype(0))};
  const Dims& dims = check.dims(0);
  if (!axes) {
    if (keep) return {{check.dtype(0), unknown_dims(dims.size())}};
    return {ValueType::unranked(check.dtype(0))};
  }
  std::vector<bool> reduced(dims.size(), axes->empty() && !noop);
  if (axes->size() > dims.size() && !axes->empty()) check.fail("more axes than x has");
  for (const auto given : *axes) {
    const auto axis = check.axis(given, dims.size());
    if (reduced[axis]) check.fail("the axis " + std::to_string(given) + " is given twice");
    reduced[axis] = true;
  }
  Dims result;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    if (!reduced[i]) result.push_back(dims[i]);
    if (reduced[i] && keep) result.emplace_back(1);
  }
  return {{check.dtype(0), std::move(result)}};
}

ProductTypes softmax_any(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"x"});
  check.require_dtype(0, {Dtype::f32, Dtype::f64, Dtype::f16, Dtype::bf16});
  const bool flatten = check.integer("flatten", 0, 1) != 0;  // where the axis may be behind the last
  const std::int64_t axis = check.integer("axis");
  if (check.ranked(0) && !(flatten && axis == static_cast<std::int64_t>(check.dims(0).size())))
    check.axis(axis, std::max<std::size_t>(check.dims(0).size(), 1));
  return {check.type(0)};
}

}  // namespace lathe::shape_rules
