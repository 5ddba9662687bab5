// Shuffles that follow each other become one:
//   Transpose(Transpose(x))  ->  Transpose(x), or x where the two cancel
//   Transpose that moves only axes of size 1  ->  Reshape, a view
//   Reshape of Reshape, SplitHeads or MergeHeads  ->  Reshape(x), or x where the shape is x's
//   Reduce...(Transpose(x))  ->  Reduce...(x) over the axes where they came from, with what is left of the
//                                 transposition behind it, on fewer elements
//
// Bit-equal: elements move and keep their values, and a reduction is only moved where it takes its elements
// in the same order as before.
#include <algorithm>

#include "graph/text_lists.h"
#include "passes/pass.h"
#include "passes/rewrite.h"
#include "passes/uses.h"

namespace lathe {
namespace {

using Permutation = std::vector<std::size_t>;

std::string permutation_text(const Permutation& axes) {
  const std::vector<std::int64_t> integers(axes.begin(), axes.end());
  return integers_text(integers);
}

Permutation permutation_of(const Graph& graph, const Node& node) {
  return parse_permutation(node.text("perm"), graph.value(node.inputs[0]).type.dims.size()).value();
}

/// Whether it moves nothing.
bool cancels(const Permutation& axes) { return std::ranges::is_sorted(axes); }

class ShuffleMerger {
 public:
  explicit ShuffleMerger(Graph& graph) : graph_(graph) {}

  /// One rewrite, if there is one.
  bool run_once() {
    const Uses uses(graph_);
    for (std::size_t position = 0; position < graph_.nodes.size(); ++position) {
      const Node& outer = graph_.nodes[position];
      if (outer.inputs.empty()) continue;
      if (outer.op->name == "Transpose" && becomes_view(position)) return true;
      const auto found = uses.producer(outer.inputs[0]);
      if (found < 0) continue;
      const Node& inner = graph_.nodes[static_cast<std::size_t>(found)];
      if (outer.op->name == "Transpose" && inner.op->name == "Transpose" && compose(position, inner))
        return true;
      if (outer.op->name == "Reshape" && is_reshape(inner) && reshape_once(position, inner)) return true;
      if (outer.op->name.starts_with("Reduce") && inner.op->name == "Transpose" &&
          uses.readers(inner.outputs[0]).size() == 1 && !uses.is_output(inner.outputs[0]) &&
          reduce_first(position, inner))
        return true;
    }
    return false;
  }

 private:
  static bool is_reshape(const Node& node) {
    return node.op->name == "Reshape" || node.op->name == "SplitHeads" || node.op->name == "MergeHeads";
  }

  const Dims& dims(ValueId id) const { return graph_.value(id).type.dims; }

  bool becomes_view(std::size_t position) {
    const Node& node = graph_.nodes[position];
    const Permutation axes = permutation_of(graph_, node);
    Permutation moving;
    for (const auto axis : axes)
      if (dims(node.inputs[0])[axis] != Dim(1)) moving.push_back(axis);
    const auto shape = dims_text(dims(node.outputs[0]));
    if (cancels(axes) || !std::ranges::is_sorted(moving) || !shape) return false;
    return replace_node(graph_, position, {"Reshape", {node.inputs[0]}, {{"shape", *shape}}});
  }

  bool compose(std::size_t position, const Node& inner) {
    const Node& outer = graph_.nodes[position];
    const Permutation first = permutation_of(graph_, inner);
    Permutation both;
    for (const auto axis : permutation_of(graph_, outer)) both.push_back(first[axis]);
    const ValueId x = inner.inputs[0];
    if (cancels(both) && stand_in(graph_, position, x)) return true;
    return replace_node(graph_, position, {"Transpose", {x}, {{"perm", permutation_text(both)}}});
  }

  bool reshape_once(std::size_t position, const Node& inner) {
    const Node& outer = graph_.nodes[position];
    const auto shape = dims_text(dims(outer.outputs[0]));
    const ValueId x = inner.inputs[0];
    if (graph_.value(x).type == graph_.value(outer.outputs[0]).type && stand_in(graph_, position, x))
      return true;
    return shape && replace_node(graph_, position, {"Reshape", {x}, {{"shape", *shape}}});
  }

  /// Reduce(Transpose(x)): the axes of x that are reduced must come in the order in which they were.
  bool reduce_first(std::size_t position, const Node& inner) {
    const Node reduction = graph_.nodes[position];
    const Permutation from = permutation_of(graph_, inner);
    const auto axes = parse_axes(reduction.text("axes"), from.size()).value();
    Permutation reduced;
    Permutation kept;
    for (std::size_t i = 0; i < from.size(); ++i)
      (std::ranges::binary_search(axes, i) ? reduced : kept).push_back(from[i]);
    if (!std::ranges::is_sorted(reduced)) return false;
    const ValueId x = inner.inputs[0];
    const std::vector<std::int64_t> named(reduced.begin(), reduced.end());
    Attributes attributes = reduction.attributes;
    attributes.insert_or_assign("axes", integers_text(named));
    const bool keep = reduction.integer("keepdims") == 1;
    if (!keep && std::ranges::is_sorted(kept))
      return replace_node(graph_, position, {reduction.op->name, {x}, attributes});
    Permutation behind = from;
    if (!keep) {
      auto order = kept;  // axes of x become axes of what is left of it
      std::ranges::sort(order);
      behind.clear();
      for (const auto axis : kept)
        behind.push_back(static_cast<std::size_t>(std::ranges::find(order, axis) - order.begin()));
    }
    const auto smaller = insert_node(graph_, position, reduction.op->name, {x}, attributes);
    return replace_node(graph_, position + 1, {"Transpose", {smaller}, {{"perm", permutation_text(behind)}}});
  }

  Graph& graph_;
};

}  // namespace

bool merge_shuffles(Graph& graph, const PassContext&) {
  ShuffleMerger merger(graph);
  bool changed = false;
  for (; merger.run_once(); changed = true) remove_unused_nodes(graph);
  return changed;
}

}  // namespace lathe
