// Shape rules: ops on rows and on single elements.
#include "graph/shape_check.h"
#include "graph/shape_rules.h"

namespace lathe::shape_rules {
namespace {

/// x f32[S, V] with at least one column.
void require_scores(const ShapeCheck& check) {
  check.require(0, Dtype::f32, 2);
  if (check.dim(0, 1) == Dim(0)) check.fail_input(0, "has no columns");
}

}  // namespace

Types gather(Inputs inputs, const Node& node) {
  const ShapeCheck check(inputs, node, {"table", "indices"});
  const auto dtype = check.type(0).dtype;
  if (dtype > Dtype::f64 && !is_block_quantized(dtype))
    check.fail_input(0, "must be floats or block-quantized");
  check.require_rank(0, 2);
  check.require(1, Dtype::i32, 1);
  return {{Dtype::f32, {check.dim(1, 0), check.dim(0, 1)}}};
}

Types rms_normalization(Inputs inputs, const Node& node) {
  const ShapeCheck check(inputs, node, {"x", "scale"});
  check.require_dtype(0, Dtype::f32);
  if (check.type(0).dims.empty()) check.fail_input(0, "must have at least one dimension");
  check.require(1, Dtype::f32, 1);
  check.require_dim(1, 0, check.last_dim(0), "columns of x");
  if (node.real("epsilon") < 0) check.fail("epsilon must not be negative");
  return {check.type(0)};
}

Types activation_function(Inputs inputs, const Node& node) {
  const ShapeCheck check(inputs, node, {"x"});
  check.require_dtype(0, Dtype::f32);
  return {check.type(0)};
}

Types gelu(Inputs inputs, const Node& node) {
  ShapeCheck(inputs, node, {"x"}).integer("approximate", 0, 1);
  return activation_function(inputs, node);
}

Types arg_max(Inputs inputs, const Node& node) {
  const ShapeCheck check(inputs, node, {"x"});
  require_scores(check);
  return {{Dtype::i32, {check.dim(0, 0)}}};
}

Types top_k(Inputs inputs, const Node& node) {
  const ShapeCheck check(inputs, node, {"x"});
  require_scores(check);
  const auto k = check.integer("k", 1, kMaxDim);
  return {{Dtype::f32, {check.dim(0, 0), k}}, {Dtype::i32, {check.dim(0, 0), k}}};
}

Types log_sum_exp(Inputs inputs, const Node& node) {
  const ShapeCheck check(inputs, node, {"x"});
  require_scores(check);
  return {{Dtype::f32, {check.dim(0, 0)}}};
}

}  // namespace lathe::shape_rules
