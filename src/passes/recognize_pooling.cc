// ReduceMean(x) over all spatial axes of x [N, C, ...]  ->  GlobalAveragePool(x), and a Reshape where the
// axes
//                                                            are not kept
//
// Within 1e-6 of the mean of magnitudes: sums in another order.
#include <algorithm>

#include "graph/text_lists.h"
#include "passes/pass.h"
#include "passes/rewrite.h"

namespace lathe {
namespace {

constexpr std::size_t kLeastRank = 4;  // of images; means over rows of a matrix are what norms are made of

bool is_spatial(const Node& node, std::size_t rank) {
  const auto axes = parse_axes(node.text("axes"), rank);
  if (!axes || axes->size() != rank - 2) return false;
  return std::ranges::find_if(*axes, [](std::size_t axis) { return axis < 2; }) == axes->end();
}

bool pool_mean(Graph& graph, std::size_t position) {
  const Node node = graph.nodes[position];
  const ValueType x = graph.value(node.inputs[0]).type;
  if (x.dtype != Dtype::f32 || !x.ranked || x.dims.size() < kLeastRank || !is_spatial(node, x.dims.size()))
    return false;
  if (std::ranges::find(x.dims, Dim(0)) != x.dims.end()) return false;
  if (node.integer("keepdims") == 1)
    return replace_node(graph, position, {"GlobalAveragePool", {node.inputs[0]}, {}});
  const auto shape = dims_text(graph.value(node.outputs[0]).type.dims);
  if (!shape) return false;
  const ValueId pooled = insert_node(graph, position, "GlobalAveragePool", {node.inputs[0]}, {});
  return replace_node(graph, position + 1, {"Reshape", {pooled}, {{"shape", *shape}}});
}

}  // namespace

bool recognize_pooling(Graph& graph, const PassContext&) {
  bool changed = false;
  for (std::size_t position = 0; position < graph.nodes.size(); ++position)
    changed |= graph.nodes[position].op->name == "ReduceMean" && pool_mean(graph, position);
  return changed;
}

}  // namespace lathe
