// MatMul(Softmax(scale * MatMul(Q, Transpose(K)) [softcap] [+ mask]), V)  ->  Attention(Q, K, V[, mask])
//
// The scale may be a Mul or a Div of Q, of K, of its transposition or of the scores, also in parts; softcap
// is c tanh(score / c). A mask is added, or a Where puts -inf in its place; a constant one that hides what is
// right of the diagonal becomes is_causal. Keys and values that are repeated for groups of heads (Reshape,
// Expand, Reshape) are taken as they were before. Matrices and batches of one axis get the axes that they
// lack. The scores [tokens x tokens] are then never in memory.
//
// Refused where an intermediate result is used elsewhere. Results are within 1e-5 of the greatest magnitude
// in V: scores are scaled once, and softmax is taken in chunks. A causal mask of -1e9 or less counts as -inf.
#include <cmath>
#include <limits>

#include "graph/text_lists.h"
#include "passes/attention_mask.h"
#include "passes/constants.h"
#include "passes/pass.h"
#include "passes/rewrite.h"
#include "passes/uses.h"

namespace lathe {
namespace {

constexpr float kFarBelow = -1e9f;  // nothing is left of it behind a softmax
constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// What is known of one attention while its nodes are peeled off from the end.
struct Found {
  ValueId q = -1;
  ValueId k = -1;  // [..., columns, head_dim], or transposed
  bool k_transposed = false;
  ValueId v = -1;
  std::optional<ValueId> mask;
  double scale = 1;
  double softcap = 0;
  bool causal = false;
  bool causal_by_infinity = true;  // hidden scores are -inf, not just far below
};

class AttentionFinder {
 public:
  AttentionFinder(const Graph& graph, const Uses& uses) : graph_(graph), uses_(uses) {}

  /// The attention whose last product is this node.
  std::optional<Found> find(const Node& root) const {
    if (root.op->name != "MatMul") return std::nullopt;
    const Node* softmax = only_use(root.inputs[0], "Softmax");
    if (softmax == nullptr || !is_along_last_axis(graph_, *softmax)) return std::nullopt;
    Found found;
    found.v = ungrouped(root.inputs[1]);
    if (!peel_scores(softmax->inputs[0], found)) return std::nullopt;
    peel_keys(found);
    found.q = peel_scale(found.q, found.scale);
    // Where a mask may hide all that causality leaves, a finite number in the hidden places counts.
    const bool usable = std::isfinite(found.scale) && found.scale > 0 &&
                        (!found.mask || !found.causal || found.causal_by_infinity);
    return usable ? std::optional(found) : std::nullopt;
  }

 private:
  const Dims& dims(ValueId id) const { return graph_.value(id).type.dims; }

  const Node* producer(ValueId id, std::string_view op) const {
    const auto position = uses_.producer(id);
    if (position < 0) return nullptr;
    const Node& node = graph_.nodes[static_cast<std::size_t>(position)];
    return node.op->name == op ? &node : nullptr;
  }

  /// The node of this op that makes the value for one reader alone.
  const Node* only_use(ValueId id, std::string_view op) const {
    return uses_.only_reader(id) < 0 ? nullptr : producer(id, op);
  }

  /// x of x * c or x / c, any number of them, with the constants' product in `scale`.
  ValueId peel_scale(ValueId x, double& scale) const {
    for (;;) {
      const auto [inner, factor] = scaled(x);
      if (inner < 0 || dims(inner) != dims(x)) return x;
      scale *= factor;
      x = inner;
    }
  }

  std::pair<ValueId, double> scaled(ValueId x) const {
    if (const Node* node = only_use(x, "Mul"); node != nullptr) {
      if (const auto c = scalar_constant(graph_, node->inputs[1])) return {node->inputs[0], *c};
      if (const auto c = scalar_constant(graph_, node->inputs[0])) return {node->inputs[1], *c};
    }
    if (const Node* node = only_use(x, "Div"); node != nullptr)
      if (const auto c = scalar_constant(graph_, node->inputs[1])) return {node->inputs[0], 1 / *c};
    return {-1, 1};
  }

  /// Masks, softcap and scale, down to the product of Q and K.
  bool peel_scores(ValueId scores, Found& found) const {
    if (const Node* add = only_use(scores, "Add"); add != nullptr) {
      for (const std::size_t side : {0, 1}) {
        Found attempt = found;
        if (add_mask(add->inputs[1 - side], dims(scores), attempt) &&
            dims(add->inputs[side]) == dims(scores) && peel_scores(add->inputs[side], attempt)) {
          found = attempt;
          return true;
        }
      }
      return false;
    }
    if (const Node* where = only_use(scores, "Where"); where != nullptr) {
      for (const bool inverted : {false, true}) {
        const ValueId inner = where->inputs[inverted ? 2 : 1];
        const ValueId hidden = where->inputs[inverted ? 1 : 2];
        Found attempt = found;
        if (hide(where->inputs[0], hidden, dims(scores), inverted, attempt) && dims(inner) == dims(scores) &&
            peel_scores(inner, attempt)) {
          found = attempt;
          return true;
        }
      }
      return false;
    }
    scores = peel_softcap(scores, found);
    scores = peel_scale(scores, found.scale);
    const Node* product = only_use(scores, "MatMul");
    if (product == nullptr) return false;
    found.q = product->inputs[0];
    found.k = product->inputs[1];
    found.k_transposed = true;
    return true;
  }

  bool add_mask(ValueId mask, const Dims& scores, Found& found) const {
    if (is_causal_addend(graph_, mask, scores, kFarBelow)) {
      found.causal = true;
      found.causal_by_infinity = is_causal_addend(graph_, mask, scores, -kInfinity);
      return true;
    }
    if (found.mask || broadcast(scores, dims(mask)) != scores) return false;
    found.mask = mask;
    return true;
  }

  bool hide(ValueId condition, ValueId hidden, const Dims& scores, bool inverted, Found& found) const {
    const auto number = scalar_constant(graph_, hidden);
    if (!number || *number > static_cast<double>(kFarBelow) || broadcast(scores, dims(condition)) != scores)
      return false;
    if (is_causal_condition(graph_, condition, scores, inverted)) {
      found.causal = true;
      found.causal_by_infinity = std::isinf(*number);
      return true;
    }
    // Only -inf hides a whole row as a mask does.
    if (inverted || found.mask || !std::isinf(*number)) return false;
    found.mask = condition;
    return true;
  }

  /// s of c tanh(s / c).
  ValueId peel_softcap(ValueId scores, Found& found) const {
    const auto [capped, c] = scaled(scores);
    const Node* tanh = capped < 0 ? nullptr : only_use(capped, "Tanh");
    if (tanh == nullptr) return scores;
    const auto [inner, inverse] = scaled(tanh->inputs[0]);
    if (inner < 0 || !(c > 0) || std::abs(c * inverse - 1) > 1e-6) return scores;
    found.softcap = c;
    return inner;
  }

  /// Scale, transposition and repetition of the keys.
  void peel_keys(Found& found) const {
    found.k = peel_scale(found.k, found.scale);
    const Node* transpose = producer(found.k, "Transpose");
    if (transpose == nullptr) return;
    const auto rank = dims(found.k).size();
    auto axes = parse_permutation(transpose->text("perm"), rank).value();
    if (rank < 2) return;
    std::swap(axes[rank - 2], axes[rank - 1]);
    for (std::size_t i = 0; i < rank; ++i)
      if (axes[i] != i) return;
    found.k = ungrouped(peel_scale(transpose->inputs[0], found.scale));
    found.k_transposed = false;
  }

  /// [batch, kv heads, columns, d] of what is repeated to [batch, heads, columns, d] for groups of heads.
  ValueId ungrouped(ValueId x) const {
    const Node* merge = producer(x, "Reshape");
    const Node* repeat = merge == nullptr ? nullptr : producer(merge->inputs[0], "Expand");
    const Node* split = repeat == nullptr ? nullptr : producer(repeat->inputs[0], "Reshape");
    if (split == nullptr) return x;
    const Dims& before = dims(split->inputs[0]);
    const Dims& one = dims(split->outputs[0]);
    const Dims& repeated = dims(repeat->outputs[0]);
    const Dims& after = dims(x);
    if (before.size() != 4 || one.size() != 5 || repeated.size() != 5 || after.size() != 4) return x;
    if (before[1].is_symbolic() || repeated[2].is_symbolic()) return x;
    const Dims wanted_one = {before[0], before[1], Dim(1), before[2], before[3]};
    Dims wanted_repeated = wanted_one;
    wanted_repeated[2] = repeated[2];
    const Dims wanted_after = {before[0], Dim(before[1].value * repeated[2].value), before[2], before[3]};
    return one == wanted_one && repeated == wanted_repeated && after == wanted_after ? split->inputs[0] : x;
  }

  const Graph& graph_;
  const Uses& uses_;
};

/// Writes the node that takes the place of the product at `position`.
class AttentionWriter {
 public:
  AttentionWriter(Graph& graph, std::size_t position) : graph_(graph), position_(position) {}

  bool write(const Found& found) {
    if (!fits(found)) return false;
    const ValueId result = graph_.nodes[position_].outputs[0];
    const auto result_shape = dims_text(dims(result));
    ValueId k = found.k;
    if (found.k_transposed) {
      const auto rank = dims(k).size();
      std::vector<std::int64_t> axes(rank);
      for (std::size_t i = 0; i < rank; ++i) axes[i] = static_cast<std::int64_t>(i);
      std::swap(axes[rank - 2], axes[rank - 1]);
      k = insert("Transpose", {k}, {{"perm", integers_text(axes)}});
    }
    std::vector<ValueId> inputs = {four_axes(found.q), four_axes(k), four_axes(found.v)};
    if (found.mask) inputs.push_back(*found.mask);
    Attributes attributes = {
        {"is_causal", found.causal ? 1 : 0}, {"scale", found.scale}, {"softcap", found.softcap}};
    if (dims(result).size() == 4) return replace_node(graph_, position_, {"Attention", inputs, attributes});
    const ValueId attended = insert("Attention", inputs, attributes);
    return replace_node(graph_, position_, {"Reshape", {attended}, {{"shape", *result_shape}}});
  }

 private:
  const Dims& dims(ValueId id) const { return graph_.value(id).type.dims; }

  ValueId insert(std::string_view op, std::vector<ValueId> inputs, Attributes attributes) {
    return insert_node(graph_, position_++, op, std::move(inputs), std::move(attributes));
  }

  /// Two to four axes each, batches alike but for grouped heads, and shapes that a Reshape can say.
  bool fits(const Found& found) const {
    const Dims& q = dims(found.q);
    const Dims& k = dims(found.k);
    const Dims& v = dims(found.v);
    const auto rank = q.size();
    if (rank < 2 || rank > 4 || k.size() != rank || v.size() != rank) return false;
    if (dims(graph_.nodes[position_].outputs[0]).size() != rank) return false;
    for (std::size_t axis = 0; axis + 2 < rank; ++axis) {
      const bool heads = rank == 4 && axis == 1;
      if (k[axis] != v[axis] || (q[axis] != k[axis] && !(heads && grouped(q[axis], k[axis])))) return false;
    }
    const Dim& columns = k[rank - (found.k_transposed ? 1 : 2)];
    const Dim& head_dim = k[rank - (found.k_transposed ? 2 : 1)];
    if (head_dim != q[rank - 1] || columns != v[rank - 2]) return false;
    if (rank == 4) return true;
    return dims_text(q) && dims_text(k) && dims_text(v) &&
           dims_text(dims(graph_.nodes[position_].outputs[0]));
  }

  static bool grouped(const Dim& heads, const Dim& kv_heads) {
    return !heads.is_symbolic() && !kv_heads.is_symbolic() && kv_heads.value > 0 && heads.value > 0 &&
           heads.value % kv_heads.value == 0;
  }

  ValueId four_axes(ValueId x) {
    Dims shape = dims(x);
    if (shape.size() == 4) return x;
    shape.insert(shape.begin(), 4 - shape.size(), Dim(1));
    return insert("Reshape", {x}, {{"shape", dims_text(shape).value()}});
  }

  Graph& graph_;
  std::size_t position_;
};

bool recognize_one(Graph& graph) {
  const Uses uses(graph);
  const AttentionFinder finder(graph, uses);
  for (std::size_t position = graph.nodes.size(); position-- > 0;) {
    const auto found = finder.find(graph.nodes[position]);
    if (found && AttentionWriter(graph, position).write(*found)) return true;
  }
  return false;
}

}  // namespace

bool recognize_attention(Graph& graph, const PassContext&) {
  bool changed = false;
  for (; recognize_one(graph); changed = true) remove_unused_nodes(graph);
  return changed;
}

}  // namespace lathe
