// Shape rules: linear attention.
#include "graph/rule_check.h"
#include "graph/shape_rules_product.h"

namespace lathe::shape_rules {
namespace {

constexpr auto kShortFloats = {Dtype::f32, Dtype::f16, Dtype::bf16};

Dim divided(const RuleCheck& check, std::size_t input, std::size_t axis, std::int64_t parts) {
  if (!check.ranked(input) || check.dims(input)[axis].is_symbolic()) return Dim::unknown();
  const std::int64_t columns = check.dims(input)[axis].value;
  if (columns % parts != 0)
    check.fail_input(input, "does not divide into " + std::to_string(parts) + " heads");
  return columns / parts;
}

Dim dim_of(const RuleCheck& check, std::size_t input, std::size_t axis) {
  return check.ranked(input) ? check.dims(input)[axis] : Dim::unknown();
}

void require_dims(const RuleCheck& check, std::size_t input, const Dims& expected) {
  if (!check.has(input)) return;
  check.require_rank(input, expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) check.require_equal(input, i, expected[i], "of x");
}

void require_gate(const RuleCheck& check, std::size_t input, bool wanted, const Dim& batch, const Dim& rows,
                  const Dim& first, const Dim& second) {
  if (check.has(input) != wanted)
    check.fail("input " + std::to_string(input) +
               (wanted ? " is missing" : " does not belong to update_rule"));
  if (!wanted) return;
  check.require_same_dtype(input, 0);
  require_dims(check, input, {batch, rows, Dim::unknown()});
  const Dim columns = dim_of(check, input, 2);
  if (!may_equal(columns, first) && !may_equal(columns, second))
    check.fail_input(input, "must have " + to_string(first) + " or " + to_string(second) + " columns");
}

}  // namespace

/// q [batch, rows, q heads * d], k [batch, rows, heads * d], v [batch, rows, heads * D], past state [batch,
/// heads, d, D], decay, beta -> [batch, rows, q heads * D], the state
ProductTypes linear_attention(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"query", "key", "value", "past_state", "decay", "beta"});
  check.require_dtype(0, kShortFloats);
  for (std::size_t i = 0; i < 3; ++i) {
    check.require_same_dtype(i, 0);
    check.require_rank(i, 3);
  }
  const auto heads = check.integer("kv_num_heads", 1, kMaxDim);
  const auto q_heads = check.integer("q_num_heads", 1, kMaxDim);
  if (q_heads % heads != 0) check.fail("q_num_heads must be a multiple of kv_num_heads");
  const std::string& rule = node.text("update_rule");
  const bool gated = rule == "gated" || rule == "gated_delta";
  const bool delta = rule == "delta" || rule == "gated_delta";
  if (!gated && !delta && rule != "linear") check.fail("update_rule is not known");
  const Dim batch = dim_of(check, 0, 0);
  const Dim rows = dim_of(check, 0, 1);
  const Dim keys = divided(check, 1, 2, heads);
  const Dim values = divided(check, 2, 2, heads);
  if (!may_equal(divided(check, 0, 2, q_heads), keys)) check.fail_input(0, "must have the head size of key");
  for (std::size_t i = 1; i < 3; ++i) require_dims(check, i, {batch, rows, Dim::unknown()});
  require_dims(check, 3, {batch, heads, keys, values});
  if (check.has(3)) check.require_dtype(3, kShortFloats);
  require_gate(check, 4, gated, batch, rows, heads, multiply_dims(heads, keys));
  require_gate(check, 5, delta, batch, rows, heads, 1);
  ProductTypes types = {{check.dtype(0), {batch, rows, multiply_dims(q_heads, values)}}};
  if (check.integer("outputs", 1, 2) > 1)
    types.push_back({check.dtype(check.has(3) ? 3 : 0), {batch, heads, keys, values}});
  return types;
}

}  // namespace lathe::shape_rules
