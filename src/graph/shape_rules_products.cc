// Shape rules: ONNX's products of matrices, and attention as one node.
#include "graph/shape_check.h"
#include "graph/shape_rules.h"
#include "graph/text_lists.h"

namespace lathe::shape_rules {

/// numpy's: a [..., M, K] times b [..., K, N]; a vector is a row on the left and a column on the right.
Types mat_mul(Inputs inputs, const Node& node) {
  const ShapeCheck check(inputs, node, {"a", "b"});
  Dims a = check.type(0).dims;
  Dims b = check.type(1).dims;
  for (std::size_t i = 0; i < 2; ++i) {
    check.require_dtype(i, Dtype::f32);
    if (check.type(i).dims.empty()) check.fail_input(i, "must have at least one dimension");
  }
  const bool row = a.size() == 1;
  const bool column = b.size() == 1;
  if (row) a.insert(a.begin(), Dim(1));
  if (column) b.emplace_back(1);
  if (b[b.size() - 2] != a.back())
    check.fail_input(1, "must have " + to_string(a.back()) + " rows (columns of a)");
  const Dim rows = a[a.size() - 2];
  const Dim columns = b.back();
  a.resize(a.size() - 2);
  b.resize(b.size() - 2);
  auto dims = broadcast(a, b);
  if (!dims) check.fail_input(1, "does not broadcast with a");
  if (!row) dims->push_back(rows);
  if (!column) dims->push_back(columns);
  return {{Dtype::f32, *std::move(dims)}};
}

/// q [batch, heads, rows, head_dim], k [batch, kv heads, columns, head_dim], v [batch, kv heads, columns, D],
/// mask, that broadcasts to [batch, heads, rows, columns] -> [batch, heads, rows, D]
Types attention(Inputs inputs, const Node& node) {
  const ShapeCheck check(inputs, node, {"q", "k", "v", "mask"});
  for (std::size_t i = 0; i < 3; ++i) check.require(i, Dtype::f32, 4);
  for (std::size_t i = 1; i < 3; ++i) check.require_dim(i, 0, check.dim(0, 0), "batch of q");
  check.require_dim(1, 3, check.dim(0, 3), "head dimension of q");
  check.require_dim(2, 1, check.dim(1, 1), "heads of k");
  check.require_dim(2, 2, check.dim(1, 2), "rows of k");
  const bool same_heads = check.dim(0, 1) == check.dim(1, 1);
  if (!same_heads && check.number(0, 1) % check.number(1, 1) != 0)
    check.fail_input(0, "must have a multiple of the " + to_string(check.dim(1, 1)) + " heads of k");
  if (node.real("scale") < 0) check.fail("scale must not be negative");
  if (node.real("softcap") < 0) check.fail("softcap must not be negative");
  check.integer("is_causal", 0, 1);
  const Dims scores = {check.dim(0, 0), check.dim(0, 1), check.dim(0, 2), check.dim(1, 2)};
  if (inputs.size() > 3) {
    if (check.type(3).dtype != Dtype::f32 && check.type(3).dtype != Dtype::i8)
      check.fail_input(3, "must be f32 (added) or i8 (what is not 0 is seen)");
    if (broadcast(scores, check.type(3).dims) != scores)
      check.fail_input(3, "does not broadcast to " + to_string(ValueType{Dtype::f32, scores}));
  }
  return {{Dtype::f32, {scores[0], scores[1], scores[2], check.dim(2, 3)}}};
}

}  // namespace lathe::shape_rules
