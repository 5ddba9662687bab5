// Shape rules: matrix products, and the activations that the int8 ones read.
#include "graph/shape_check.h"
#include "graph/shape_rules.h"

namespace lathe::shape_rules {
namespace {

/// x [T, K], weight [N, K] -> f32[T, N]
Types product(const ShapeCheck& check) {
  check.require_rank(0, 2);
  check.require_rank(1, 2);
  check.require_dim(1, 1, check.dim(0, 1), "columns of x");
  return {{Dtype::f32, {check.dim(0, 0), check.dim(1, 0)}}};
}

}  // namespace

Types linear(Inputs inputs, const Node& node) {
  const ShapeCheck check(inputs, node, {"x", "weight"});
  check.require_float_product();
  return product(check);
}

Types quantize_activation(Inputs inputs, const Node& node) {
  const ShapeCheck check(inputs, node, {"x"});
  check.require_dtype(0, Dtype::f32);
  if (inputs[0].dims.size() != 3) check.require_rank(0, 2);  // 3: a row for each token and expert
  const ValueType result{Dtype::a8, check.type(0).dims};
  if (const auto problem = type_problem(result); !problem.empty()) check.fail_input(0, problem);
  return {result};
}

Types round_activation(Inputs inputs, const Node& node) {
  const ShapeCheck check(inputs, node, {"x"});
  check.require_dtype(0, Dtype::f32);
  return {{Dtype::bf16, check.type(0).dims}};
}

Types quantized_linear(Inputs inputs, const Node& node) {
  const ShapeCheck check(inputs, node, {"x", "weight"});
  check.require_dtype(0, Dtype::a8);
  const auto dtype = check.type(1).dtype;
  if (!is_block_quantized(dtype) && !is_packed_codes(dtype))
    check.fail_input(1, "must be block-quantized or packed codes");
  return product(check);
}

}  // namespace lathe::shape_rules
