// x + 0, x - 0, x * 1, x / 1, x ^ 1, Identity(x), Neg(Neg(x)), Expand to its own shape, Transpose that moves
// nothing, Reshape to its own shape, SplitHeads of MergeHeads and the reverse  ->  x
// Relu(Relu(x)), and Clip of a Clip whose bounds lie within  ->  the inner one
//
// Bit-equal, but that -0 + 0 is 0 and x = -0 stays -0. A result that the graph returns stays a node where x
// is given from outside, and so does a copy of a state, which may change behind it.
#include <algorithm>

#include "graph/text_lists.h"
#include "passes/constants.h"
#include "passes/pass.h"
#include "passes/rewrite.h"
#include "passes/uses.h"

namespace lathe {
namespace {

class Identities {
 public:
  Identities(const Graph& graph, const Uses& uses) : graph_(graph), uses_(uses) {}

  /// What the node's output equals, if it computes nothing.
  std::optional<ValueId> same_value(const Node& node) const {
    const auto op = node.op->name;
    if (op == "Identity" || op == "Expand" || op == "Reshape") return node.inputs[0];
    if (op == "Transpose" && moves_nothing(node)) return node.inputs[0];
    if (op == "Add" || op == "Sub" || op == "Mul" || op == "Div" || op == "Pow") return operand(node);
    if (op == "Neg") return behind(node, "Neg");
    if (op == "SplitHeads") return behind(node, "MergeHeads");
    if (op == "MergeHeads") return behind(node, "SplitHeads");
    if (op == "Relu" && behind(node, "Relu")) return node.inputs[0];
    if (op == "Clip" && behind(node, "Clip") && lies_within(*producer(node.inputs[0]), node))
      return node.inputs[0];
    return std::nullopt;
  }

 private:
  const Node* producer(ValueId id) const {
    const auto position = uses_.producer(id);
    return position < 0 ? nullptr : &graph_.nodes[static_cast<std::size_t>(position)];
  }

  /// Input 0 of the node behind input 0, where that is of this op.
  std::optional<ValueId> behind(const Node& node, std::string_view op) const {
    const Node* inner = producer(node.inputs[0]);
    if (inner == nullptr || inner->op->name != op) return std::nullopt;
    return inner->inputs[0];
  }

  bool moves_nothing(const Node& node) const {
    const auto axes = parse_permutation(node.text("perm"), graph_.value(node.inputs[0]).type.dims.size());
    return axes && std::ranges::is_sorted(*axes);
  }

  /// The operand beside a neutral constant.
  std::optional<ValueId> operand(const Node& node) const {
    const float neutral = node.op->name == "Add" || node.op->name == "Sub" ? 0.0f : 1.0f;
    if (is_constant_of(graph_, node.inputs[1], neutral)) return node.inputs[0];
    if (node.op->commutative && is_constant_of(graph_, node.inputs[0], neutral)) return node.inputs[1];
    return std::nullopt;
  }

  static bool lies_within(const Node& inner, const Node& outer) {
    return outer.real("min") <= inner.real("min") && outer.real("max") >= inner.real("max");
  }

  const Graph& graph_;
  const Uses& uses_;
};

bool remove_one(Graph& graph) {
  const Uses uses(graph);
  const Identities identities(graph, uses);
  for (std::size_t position = 0; position < graph.nodes.size(); ++position) {
    if (graph.nodes[position].outputs.size() != 1 || graph.nodes[position].inputs.empty()) continue;
    const auto value = identities.same_value(graph.nodes[position]);
    if (value && stand_in(graph, position, *value)) return true;
  }
  return false;
}

}  // namespace

bool remove_identities(Graph& graph, const PassContext&) {
  bool changed = false;
  while (remove_one(graph)) changed = true;
  if (changed) remove_unused_nodes(graph);
  return changed;
}

}  // namespace lathe
