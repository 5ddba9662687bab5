// TopK(Softmax(x)) along the same axis  ->  SoftmaxTopK(x); so for LogSoftmax
//
// A row's softmax then never leaves the cache. The k best are still looked for among the rounded results and
// not in x, since exponentials round different numbers to equal ones, which TopK takes in their order.
// Bit-equal.
#include "passes/pass.h"
#include "passes/rewrite.h"
#include "passes/uses.h"

namespace lathe {
namespace {

/// A node's axis, counted from the front.
std::int64_t axis_of(const Graph& graph, const Node& node) {
  const auto rank = static_cast<std::int64_t>(graph.value(node.inputs[0]).type.dims.size());
  const auto axis = node.integer("axis");
  return axis < 0 ? axis + rank : axis;
}

bool rewrite(Graph& graph, const Uses& uses, Node& top) {
  if (top.op->name != "TopKAny" || uses.producer(top.inputs[0]) < 0 || uses.only_reader(top.inputs[0]) < 0)
    return false;
  const Node& softmax = graph.nodes[static_cast<std::size_t>(uses.producer(top.inputs[0]))];
  const bool log = softmax.op->name == "LogSoftmax";
  if (softmax.op->name != "Softmax" && !log) return false;
  const auto axis = axis_of(graph, top);
  if (axis_of(graph, softmax) != axis) return false;
  const auto place = static_cast<std::size_t>(axis);
  const Dim length = graph.value(top.inputs[0]).type.dims[place];
  const auto& chosen = graph.value(top.outputs[0]).type;
  if (length.is_symbolic() || !chosen.ranked || chosen.dims[place].is_symbolic()) return false;
  const std::int64_t k = chosen.dims[place].value;
  const std::int64_t largest = top.integer("largest");
  top.op = find_op("SoftmaxTopK");
  top.inputs = {softmax.inputs[0]};
  top.attributes = {{"axis", axis}, {"k", k}, {"largest", largest}, {"log", std::int64_t{log ? 1 : 0}}};
  return true;
}

}  // namespace

bool fuse_softmax_top_k(Graph& graph, const PassContext&) {
  const Uses uses(graph);
  bool changed = false;
  for (auto& node : graph.nodes) changed |= rewrite(graph, uses, node);
  if (changed) remove_unused_nodes(graph);
  return changed;
}

}  // namespace lathe
