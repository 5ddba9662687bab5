// Shape rules: ONNX's normalizations.
#include <cstddef>

#include "graph/rule_check.h"
#include "graph/shape_rules_product.h"

namespace lathe::shape_rules {
namespace {

constexpr auto kFloats = {Dtype::f32, Dtype::f64, Dtype::f16, Dtype::bf16};

/// Fails unless the input broadcasts to x.
void require_broadcasts_to_x(const RuleCheck& check, std::size_t input) {
  if (!check.has(input) || !check.ranked(input) || !check.ranked(0)) return;
  const Dims& own = check.dims(input);
  const Dims& x = check.dims(0);
  bool fits = own.size() <= x.size();
  for (std::size_t i = 0; fits && i < own.size(); ++i)
    fits = own[own.size() - 1 - i] == Dim(1) || may_equal(own[own.size() - 1 - i], x[x.size() - 1 - i]);
  if (!fits) check.fail_input(input, "does not broadcast to x");
}

void require_normal(const RuleCheck& check, const Node& node) {
  check.require_dtype(0, kFloats);
  check.require_rank(0, 1, kMaxDims);
  if (check.ranked(0)) check.axis(check.integer("axis"), check.dims(0).size());
  if (node.real("epsilon") < 0) check.fail("epsilon must not be negative");
}

Dtype stash_dtype(const RuleCheck& check) {
  switch (check.integer("stash_type")) {  // an ONNX data type
    case 1:
      return Dtype::f32;
    case 10:
      return Dtype::f16;
    case 11:
      return Dtype::f64;
    case 16:
      return Dtype::bf16;
    default:
      check.fail("stash_type is no float type");
  }
}

}  // namespace

/// x, scale, bias -> x's type, and the means and reciprocal deviations with ones for the axes
ProductTypes layer_normalization_any(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"x", "scale", "bias"});
  require_normal(check, node);
  for (std::size_t i = 1; i < 3; ++i) {
    if (check.has(i)) check.require_same_dtype(i, 0);
    require_broadcasts_to_x(check, i);
  }
  ValueType moments = check.type(0);
  moments.dtype = stash_dtype(check);
  if (check.ranked(0))
    for (auto i = check.axis(check.integer("axis"), moments.dims.size()); i < moments.dims.size(); ++i)
      moments.dims[i] = 1;
  ProductTypes types(static_cast<std::size_t>(check.integer("outputs", 1, 3)), moments);
  types[0] = check.type(0);
  return types;
}

ProductTypes rms_normalization_any(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"x", "scale"});
  require_normal(check, node);
  stash_dtype(check);
  check.require_dtype(1, kFloats);
  require_broadcasts_to_x(check, 1);
  ValueType result = check.type(0);
  result.dtype = check.dtype(1);
  return {result};
}

ProductTypes lp_normalization_any(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"x"});
  check.require_dtype(0, kFloats);
  check.require_rank(0, 1, kMaxDims);
  if (check.ranked(0)) check.axis(check.integer("axis"), check.dims(0).size());
  check.integer("p", 1, 2);
  return {check.type(0)};
}

ProductTypes mean_variance_normalization(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"x"});
  check.require_dtype(0, kFloats);
  const auto axes = check.integers_of("axes");
  if (axes.empty()) check.fail("axes are missing");
  if (!check.ranked(0)) return {check.type(0)};
  std::vector<bool> seen(check.dims(0).size());
  for (const auto given : axes) {
    const auto axis = check.axis(given, seen.size());
    if (seen[axis]) check.fail("the axis " + std::to_string(given) + " is given twice");
    seen[axis] = true;
  }
  return {check.type(0)};
}

}  // namespace lathe::shape_rules
