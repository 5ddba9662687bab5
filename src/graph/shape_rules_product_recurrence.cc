// Shape rules: RNN, GRU and LSTM.
#include "graph/rule_check.h"
#include "graph/shape_rules_product.h"

namespace lathe::shape_rules {
namespace {

Dim dim_of(const RuleCheck& check, std::size_t input, std::size_t axis) {
  return check.ranked(input) ? check.dims(input)[axis] : Dim::unknown();
}

void require(const RuleCheck& check, std::size_t input, const Dims& expected) {
  if (!check.has(input)) return;
  check.require_rank(input, expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i)
    check.require_equal(input, i, expected[i], "of x, w and r");
}

struct RecurrentOp {
  std::string_view name;
  std::int64_t gates;
  std::size_t functions;  // of a direction
  std::int64_t outputs;
};

constexpr RecurrentOp kOps[] = {{"GRU", 3, 2, 2}, {"LSTM", 4, 3, 3}, {"RNN", 1, 1, 2}};

const RecurrentOp& row_of(std::string_view name) {
  for (const auto& op : kOps)
    if (op.name == name) return op;
  return kOps[0];
}

std::int64_t directions_of(const RuleCheck& check, const Node& node) {
  const std::string& direction = node.text("direction");
  if (direction == "bidirectional") return 2;
  if (direction != "reverse" && direction != "forward") check.fail("direction is not known");
  return 1;
}

}  // namespace

/// x [rows, batch, inputs], w, r, bias, lengths, state, cell, peepholes -> [rows, directions, batch, hidden],
/// and the last state and cell [directions, batch, hidden]; with layout 1 the batch comes first
ProductTypes recurrence(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P"});
  const RecurrentOp& op = row_of(node.op->name);
  check.require_dtype(0, {Dtype::f32, Dtype::f64, Dtype::f16, Dtype::bf16});
  for (std::size_t i = 1; i < 8; ++i)
    if (check.has(i) && i != 4) check.require_same_dtype(i, 0);
  for (std::size_t i = 0; i < 3; ++i) check.require_rank(i, 3);
  const bool batch_first = check.integer("layout", 0, 1) != 0;
  const auto directions = directions_of(check, node);
  const Dim rows = dim_of(check, 0, batch_first ? 1 : 0);
  const Dim batch = dim_of(check, 0, batch_first ? 0 : 1);
  const Dim hidden = dim_of(check, 2, 2);
  if (hidden == Dim(0)) check.fail_input(2, "has no hidden columns");
  const Dim gates = multiply_dims(op.gates, hidden);
  require(check, 1, {directions, gates, dim_of(check, 0, 2)});
  require(check, 2, {directions, gates, hidden});
  require(check, 3, {directions, multiply_dims(2, gates)});
  if (check.has(4)) check.require_dtype(4, {Dtype::i32, Dtype::i64});
  require(check, 4, {batch});
  const Dims state = batch_first ? Dims{batch, directions, hidden} : Dims{directions, batch, hidden};
  require(check, 5, state);
  require(check, 6, state);
  require(check, 7, {directions, multiply_dims(3, hidden)});
  const auto functions = check.integers_of("activations");
  if (functions.size() != op.functions * static_cast<std::size_t>(directions))
    check.fail("activations must be " + std::to_string(op.functions) + " for each direction");
  for (const auto code : functions)
    if (code < 0 || code > 10) check.fail("an activation is not known");
  ProductTypes types(static_cast<std::size_t>(check.integer("outputs", 1, op.outputs)),
                     {check.dtype(0), state});
  types[0].dims = batch_first ? Dims{batch, rows, directions, hidden} : Dims{rows, directions, batch, hidden};
  return types;
}

}  // namespace lathe::shape_rules
