// Shape rules: ONNX's attention in full, and rotary embedding.
#include "graph/rule_check.h"
#include "graph/shape_rules_product.h"

namespace lathe::shape_rules {
namespace {

constexpr auto kFloats = {Dtype::f32, Dtype::f64, Dtype::f16, Dtype::bf16};

/// q, k or v: [batch, heads, rows, columns], whichever way they lie.
struct Heads {
  Dim batch = Dim::unknown();
  Dim heads = Dim::unknown();
  Dim rows = Dim::unknown();
  Dim columns = Dim::unknown();
};

Heads heads_of(const RuleCheck& check, std::size_t input, std::int64_t heads) {
  if (!check.ranked(input)) return {};
  const Dims& dims = check.dims(input);
  if (dims.size() == 4) {
    if (heads != 0 && !may_equal(dims[1], heads))
      check.fail_input(input, "must have " + std::to_string(heads) + " heads");
    return {dims[0], dims[1], dims[2], dims[3]};
  }
  if (heads < 1) check.fail("the number of heads is missing, which tensors of three dimensions need");
  if (dims[2].is_symbolic()) return {dims[0], heads, dims[1], Dim::unknown()};
  if (dims[2].value % heads != 0)
    check.fail_input(input, "does not divide into " + std::to_string(heads) + " heads");
  return {dims[0], heads, dims[1], dims[2].value / heads};
}

void require_dims(const RuleCheck& check, std::size_t input, const Dims& expected, std::string_view of) {
  if (!check.has(input)) return;
  check.require_rank(input, expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) check.require_equal(input, i, expected[i], of);
}

void require(const RuleCheck& check, std::size_t input, const Dim& found, const Dim& expected,
             std::string_view what) {
  if (!may_equal(found, expected))
    check.fail_input(input, "must have the " + std::string(what) + " " + to_string(expected));
}

void require_mask(const RuleCheck& check, const Dims& scores) {
  if (!check.has(3)) return;
  check.require_dtype(3, {Dtype::boolean, Dtype::f32, Dtype::f64, Dtype::f16, Dtype::bf16});
  check.require_rank(3, 1, 4);
  if (!check.ranked(3)) return;
  const Dims& mask = check.dims(3);
  for (std::size_t i = 0; i < mask.size(); ++i) {
    const Dim& own = mask[mask.size() - 1 - i];
    const Dim& score = scores[3 - i];
    const bool shorter = i == 0 && !own.is_symbolic() && !score.is_symbolic() && own.value < score.value;
    if (!shorter && !(own == Dim(1) && i > 0) && !may_equal(own, score))
      check.fail_input(3, "does not broadcast to " + to_string(ValueType{Dtype::f32, scores}));
  }
}

}  // namespace

/// q, k, v [batch, heads, rows, columns] or [batch, rows, heads * columns], mask, past keys, past values,
/// lengths -> the result as q lies, present keys, present values, scores
ProductTypes attention_any(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"q", "k", "v", "mask", "past_key", "past_value", "lengths"});
  for (std::size_t i = 0; i < 3; ++i) check.require_dtype(i, kFloats);
  check.require_same_dtype(1, 0);
  check.require_same_dtype(2, 0);
  for (std::size_t i = 0; i < 3; ++i) {
    check.require_rank(i, 3, 4);
    if (check.ranked(i) && check.ranked(0) && check.dims(i).size() != check.dims(0).size())
      check.fail_input(i, "must have as many dimensions as q");
  }
  const auto q_heads = check.integer("q_num_heads", 0, kMaxDim);
  const auto kv_heads = check.integer("kv_num_heads", 0, kMaxDim);
  const Heads q = heads_of(check, 0, q_heads);
  const Heads k = heads_of(check, 1, kv_heads);
  const Heads v = heads_of(check, 2, kv_heads);
  require(check, 1, k.batch, q.batch, "batch");
  require(check, 2, v.batch, q.batch, "batch");
  require(check, 1, k.columns, q.columns, "head size");
  require(check, 2, v.heads, k.heads, "heads of k");
  require(check, 2, v.rows, k.rows, "rows of k");
  if (!q.heads.is_symbolic() && !k.heads.is_symbolic() &&
      (k.heads.value == 0 || q.heads.value % k.heads.value != 0))
    check.fail_input(0, "must have a multiple of the " + to_string(k.heads) + " heads of k");
  Dim total = k.rows;
  if (check.has(4) != check.has(5)) check.fail("past keys and past values come together");
  if (check.has(4)) {
    check.require_same_dtype(4, 0);
    check.require_same_dtype(5, 0);
    require_dims(check, 4, {k.batch, k.heads, Dim::unknown(), k.columns}, "of k");
    const Dim past = check.ranked(4) ? check.dims(4)[2] : Dim::unknown();
    require_dims(check, 5, {v.batch, v.heads, past, v.columns}, "of v");
    total = add_dims(past, k.rows);
  }
  if (check.has(6)) {
    if (check.has(4)) check.fail("lengths and past keys exclude each other");
    check.require_dtype(6, {Dtype::i64, Dtype::i32});
    require_dims(check, 6, {q.batch}, "batch");
  }
  const Dims scores = {q.batch, q.heads, q.rows, total};
  require_mask(check, scores);
  check.integer("is_causal", 0, 1);
  check.integer("qk_matmul_output_mode", 0, 3);
  check.integer("left_window_size", -1, kMaxDim);
  check.integer("right_window_size", -1, kMaxDim);
  if (node.real("softcap") < 0) check.fail("softcap must not be negative");
  ValueType result = ValueType::unranked(check.dtype(0));
  if (check.ranked(0))
    result = {check.dtype(0), check.dims(0).size() == 4
                                  ? Dims{q.batch, q.heads, q.rows, v.columns}
                                  : Dims{q.batch, q.rows, multiply_dims(q.heads, v.columns)}};
  ProductTypes types = {std::move(result),
                        {check.dtype(0), {k.batch, k.heads, total, k.columns}},
                        {check.dtype(0), {v.batch, v.heads, total, v.columns}},
                        {check.dtype(0), scores}};
  types.resize(static_cast<std::size_t>(check.integer("outputs", 1, 4)));
  return types;
}

/// x [batch, heads, rows, columns] or [batch, rows, heads * columns], cosines and sines [batch, rows, R / 2],
/// or [positions, R / 2] with position ids [batch, rows] -> as x
ProductTypes rotary_embedding_any(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"x", "cosines", "sines", "position_ids"});
  check.require_dtype(0, kFloats);
  check.require_same_dtype(1, 0);
  check.require_same_dtype(2, 0);
  check.require_rank(0, 3, 4);
  check.integer("interleaved", 0, 1);
  const auto heads = check.integer("num_heads", 0, kMaxDim);
  const auto rotated = check.integer("rotary_embedding_dim", 0, kMaxDim);
  const Heads x = heads_of(check, 0, check.ranked(0) && check.dims(0).size() == 4 ? 0 : heads);
  Dim half = Dim::unknown();
  if (rotated != 0 || !x.columns.is_symbolic()) {
    const std::int64_t columns = rotated != 0 ? rotated : x.columns.value;
    if (columns % 2 != 0) check.fail("an odd number of columns cannot be rotated");
    if (!x.columns.is_symbolic() && columns > x.columns.value)
      check.fail("rotary_embedding_dim is more than a head has");
    half = columns / 2;
  }
  const bool by_position = check.has(3);
  for (std::size_t i = 1; i < 3; ++i)
    require_dims(check, i, by_position ? Dims{Dim::unknown(), half} : Dims{x.batch, x.rows, half}, "of x");
  if (by_position) {
    check.require_dtype(3, {Dtype::i64, Dtype::i32});
    require_dims(check, 3, {x.batch, x.rows}, "of x");
    if (check.ranked(1) && check.ranked(2)) check.require_equal(2, 0, check.dims(1)[0], "positions");
  }
  return {check.type(0)};
}

}  // namespace lathe::shape_rules
