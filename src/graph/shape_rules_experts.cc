// Shape rules: mixtures of experts.
#include "graph/shape_check.h"
#include "graph/shape_rules.h"

namespace lathe::shape_rules {
namespace {

/// x [T, K] or [T, k, K], weight [E, N, K], experts i32[T, k] -> f32[T, k, N]
Types expert_product(const ShapeCheck& check) {
  const auto& x = check.type(0).dims;
  if (x.size() != 2 && x.size() != 3) check.fail_input(0, "must have 2 or 3 dimensions");
  check.require_rank(1, 3);
  check.number(1, 0);
  check.require_dim(1, 2, x.back(), "columns of x");
  check.require(2, Dtype::i32, 2);
  check.require_dim(2, 0, x[0], "rows of x");
  if (x.size() == 3) check.require_dim(2, 1, x[1], "slots of x");
  return {{Dtype::f32, {check.dim(2, 0), check.dim(2, 1), check.dim(1, 1)}}};
}

}  // namespace

Types select_experts(Inputs inputs, const Node& node) {
  const ShapeCheck check(inputs, node, {"logits"});
  check.require(0, Dtype::f32, 2);
  const auto k = check.integer("k", 1, check.number(0, 1));
  check.integer("normalize", 0, 1);
  return {{Dtype::f32, {check.dim(0, 0), k}}, {Dtype::i32, {check.dim(0, 0), k}}};
}

Types expert_linear(Inputs inputs, const Node& node) {
  const ShapeCheck check(inputs, node, {"x", "weight", "experts"});
  check.require_float_product();
  return expert_product(check);
}

Types quantized_expert_linear(Inputs inputs, const Node& node) {
  const ShapeCheck check(inputs, node, {"x", "weight", "experts"});
  check.require_dtype(0, Dtype::a8);
  const auto dtype = check.type(1).dtype;
  if (!is_block_quantized(dtype) && !is_packed_codes(dtype))
    check.fail_input(1, "must be block-quantized or packed codes");
  return expert_product(check);
}

Types expert_sum(Inputs inputs, const Node& node) {
  const ShapeCheck check(inputs, node, {"x", "weights"});
  check.require(0, Dtype::f32, 3);
  check.require(1, Dtype::f32, 2);
  check.require_dim(1, 0, check.dim(0, 0), "rows of x");
  check.require_dim(1, 1, check.dim(0, 1), "slots of x");
  return {{Dtype::f32, {check.dim(0, 0), check.dim(0, 2)}}};
}

}  // namespace lathe::shape_rules
