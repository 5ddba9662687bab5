// Shape rules: normalization of rows beside RMS, and means of rows.
#include "graph/shape_check.h"
#include "graph/shape_rules.h"

namespace lathe::shape_rules {
namespace {

void require_rows(const ShapeCheck& check) {
  check.require_dtype(0, Dtype::f32);
  if (check.type(0).dims.empty()) check.fail_input(0, "must have at least one dimension");
}

}  // namespace

Types layer_normalization(Inputs inputs, const Node& node) {
  const ShapeCheck check(inputs, node, {"x", "scale", "bias"});
  require_rows(check);
  for (std::size_t i = 1; i < inputs.size(); ++i) {
    check.require(i, Dtype::f32, 1);
    check.require_dim(i, 0, check.last_dim(0), "columns of x");
  }
  if (node.real("epsilon") < 0) check.fail("epsilon must not be negative");
  return {check.type(0)};
}

Types lp_normalization(Inputs inputs, const Node& node) {
  const ShapeCheck check(inputs, node, {"x"});
  require_rows(check);
  return {check.type(0)};
}

Types sequence_mean(Inputs inputs, const Node& node) {
  const ShapeCheck check(inputs, node, {"x", "sequences"});
  check.require(0, Dtype::f32, 2);
  check.require(1, Dtype::i32, 2);
  check.require_dim(1, 1, 4, "entries of a sequence");
  return {{Dtype::f32, {check.dim(1, 0), check.dim(0, 1)}}};
}

}  // namespace lathe::shape_rules
