// Shape rules: matrix products, and the activations that the int8 ones read.
#include "graph/shape_check.h"
#include "graph/shape_rules.h"
#include "quant/activation.h"

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

namespace {

Types codes_of(const ShapeCheck& check) {
  check.require_dtype(0, Dtype::f32);
  if (check.type(0).dims.size() != 3) check.require_rank(0, 2);  // 3: a row for each token and expert
  const ValueType result{Dtype::a8, check.type(0).dims};
  if (const auto problem = type_problem(result); !problem.empty()) check.fail_input(0, problem);
  return {result};
}

}  // namespace

/// x [T, K] or [T, k, K], marks f32[K]: not 0 at fine columns
Types quantize_activation(Inputs inputs, const Node& node) {
  const ShapeCheck check(inputs, node, {"x", "marks"});
  Types result = codes_of(check);
  if (inputs.size() > 1) {
    check.require(1, Dtype::f32, 1);
    check.require_dim(1, 0, inputs[0].dims.back(), "columns of x");
  }
  return result;
}

/// x [T, K] or [T, k, K], ranges f32[2, K / 32]: each block's least and greatest value, marks f32[K]: not 0
/// at fine columns
Types ranged_quantize_activation(Inputs inputs, const Node& node) {
  const ShapeCheck check(inputs, node, {"x", "ranges", "marks"});
  Types result = codes_of(check);
  const std::int64_t columns = check.number(0, inputs[0].dims.size() - 1);
  const std::int64_t group = check.integer("group", 0, columns);
  if (group % kActivationBlock != 0 || (group != 0 && columns % group != 0))
    check.fail("group must be 0 or a multiple of " + std::to_string(kActivationBlock) + " that divides " +
               std::to_string(columns));
  if (inputs.size() > 1) {
    check.require(1, Dtype::f32, 2);
    check.require_dim(1, 0, Dim(2), "ends of a range");
    check.require_dim(1, 1, Dim(columns / kActivationBlock), "blocks of x");
  }
  if (inputs.size() > 2) {
    check.require(2, Dtype::f32, 1);
    check.require_dim(2, 0, Dim(columns), "columns of x");
  }
  return result;
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
