#include "passes/conv_prologues.h"

#include <algorithm>

#include "graph/window.h"
#include "passes/linear_program.h"
#include "passes/rewrite.h"
#include "passes/uses.h"

namespace lathe {
namespace {

/// Kernels of one pixel, and no padding.
bool reads_pixels(const Graph& graph, const Node& conv) {
  const auto& weight = graph.value(conv.inputs[1]).type;
  if (!weight.ranked || !conv.text("auto_pad").empty()) return false;
  if (weight.dtype != Dtype::f32 && weight.dtype != Dtype::bf16) return false;
  if (!std::ranges::all_of(weight.dims.begin() + 2, weight.dims.end(),
                           [](const Dim& dim) { return dim == Dim(1); }))
    return false;
  const WindowNumbers pads = window_numbers(conv.text("pads").c_str());
  return std::all_of(pads.values, pads.values + std::max(pads.count, 0),
                     [](std::int64_t pad) { return pad == 0; });
}

bool has_stride(const Node& conv) {
  const WindowNumbers strides = window_numbers(conv.text("strides").c_str());
  return std::any_of(strides.values, strides.values + std::max(strides.count, 0),
                     [](std::int64_t stride) { return stride != 1; });
}

/// relu(x * factors + offsets) by channels.
bool is_scale(const Graph& graph, const Node& node) {
  if (node.op->name != "FusedConv" || node.text("epilogue") != "relu" || !node.text("prologue").empty())
    return false;
  const auto& weight = graph.value(node.inputs[1]).type;
  return weight.dtype == Dtype::f32 && reads_pixels(graph, node) && !has_stride(node) &&
         weight.dims[1] == Dim(1) && weight.dims[0] == Dim(node.integer("group")) &&
         graph.value(node.inputs[2]).type.dtype == Dtype::f32;
}

bool fuse(Graph& graph, const Uses& uses, std::size_t position) {
  const Node conv = graph.nodes[position];
  const bool fused = conv.op->name == "FusedConv";
  if ((!fused && conv.op->name != "Conv") || !reads_pixels(graph, conv)) return false;
  if (fused && !conv.text("prologue").empty()) return false;
  const auto producer = uses.producer(conv.inputs[0]);
  if (producer < 0 || uses.only_reader(conv.inputs[0]) < 0) return false;
  const Node scale = graph.nodes[static_cast<std::size_t>(producer)];
  if (!is_scale(graph, scale) || is_scale(graph, conv)) return false;
  const Value factors = graph.value(scale.inputs[1]);
  if (factors.kind != ValueKind::constant) return false;
  const TensorView flat{factors.data.data, Dtype::f32, {factors.data.shape[0]}};
  Attributes attributes = conv.attributes;
  attributes["prologue"] = std::string("scale, relu");
  std::vector<ValueId> inputs = conv.inputs;
  inputs[0] = scale.inputs[0];
  if (inputs.size() < 3) inputs.push_back(absent(graph));
  inputs.push_back(graph.add_constant(factors.name + ".flat", flat, factors.data_owner));
  inputs.push_back(scale.inputs[2]);
  return replace_node(graph, position, {"FusedConv", inputs, attributes});
}

}  // namespace

bool fuse_conv_prologues(Graph& graph) {
  bool changed = false;
  const Uses uses(graph);
  for (std::size_t position = 0; position < graph.nodes.size(); ++position)
    changed = fuse(graph, uses, position) || changed;
  if (changed) remove_unused_nodes(graph);
  return changed;
}

}  // namespace lathe
