// Shape rules: losses over classes.
#include "graph/rule_check.h"
#include "graph/shape_rules_product.h"

namespace lathe::shape_rules {
namespace {

/// x [batch, classes, ...], target [batch, ...], weights [classes] -> [batch, ...] or []
ValueType loss_type(const RuleCheck& check, const Node& node) {
  check.require_dtype(0, {Dtype::f32, Dtype::f64, Dtype::f16, Dtype::bf16});
  check.require_dtype(1, {Dtype::i64, Dtype::i32});
  check.require_rank(0, 2, kMaxDims);
  if (check.has(2)) {
    check.require_same_dtype(2, 0);
    check.require_rank(2, 1);
    if (check.ranked(0)) check.require_equal(2, 0, check.dims(0)[1], "classes of x");
  }
  if (check.ranked(0)) {
    check.require_rank(1, check.dims(0).size() - 1);
    for (std::size_t i = 0; i + 1 < check.dims(0).size(); ++i)
      check.require_equal(1, i, check.dims(0)[i == 0 ? 0 : i + 1], "of x");
  }
  const std::string& reduction = node.text("reduction");
  if (reduction == "sum" || reduction == "mean") return {check.dtype(0), {}};
  if (reduction != "none") check.fail("reduction must be none, sum or mean");
  ValueType result = check.type(1);
  result.dtype = check.dtype(0);
  return result;
}

}  // namespace

ProductTypes negative_log_likelihood_loss(const RuleInputs& inputs, const Node& node) {
  return {loss_type(RuleCheck(inputs, node, {"x", "target", "weights"}), node)};
}

ProductTypes softmax_cross_entropy_loss(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"x", "target", "weights"});
  ProductTypes types = {loss_type(check, node)};
  if (check.integer("outputs", 1, 2) > 1) types.push_back(check.type(0));
  return types;
}

}  // namespace lathe::shape_rules
