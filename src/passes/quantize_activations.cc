// Linear(x, block-quantized weight)  ->  QuantizedLinear(QuantizeActivation(x), weight), where math is int8;
// ExpertLinear(x, weight, experts) likewise becomes QuantizedExpertLinear. A weight in bf16 keeps its op and
// gets activations of its own type: Linear(RoundActivation(x), weight).
//
// Decoding weights to float32 costs several operations for each product, and leaves the processor's 8-bit dot
// products (4 products an instruction and lane) unused: with codes on both sides the same weights are read
// once and multiplied as they lie. Activations get their codes at run time, a scale and a minimum per 32
// values of a row, so that a row's result depends on that row alone. Processors with bf16 dot products
// have twice the speed of float32 with them, and an activation in bf16 is as exact as the weights are. Every
// Linear gets a QuantizeActivation or RoundActivation of its own here; merge_common_subexpressions behind
// this pass leaves one for all consumers of an activation (q, k and v; gate and up).
#include <utility>

#include "passes/pass.h"

namespace lathe {

namespace {

/// The op that reads codes in place of this one, or nullptr.
const Op* quantized_op(const Op* op) {
  if (op == find_op("Linear")) return find_op("QuantizedLinear");
  if (op == find_op("ExpertLinear")) return find_op("QuantizedExpertLinear");
  return nullptr;
}

}  // namespace

bool quantize_activations(Graph& graph, const PassContext& context) {
  if (context.math != "int8") return false;
  bool changed = false;
  for (auto& node : std::exchange(graph.nodes, {})) {
    const Op* quantized = quantized_op(node.op);
    const bool floats = quantized != nullptr && graph.value(node.inputs[0]).type.dtype == Dtype::f32;
    const Dtype weight = floats ? graph.value(node.inputs[1]).type.dtype : Dtype::f32;
    const auto stem = node.name.empty() ? std::string(node.op->name) : node.name;
    if (weight == Dtype::bf16) {
      node.inputs[0] = graph.add("RoundActivation", stem + ".rounded", {node.inputs[0]});
      changed = true;
    } else if (is_block_quantized(weight)) {
      node.inputs[0] = graph.add("QuantizeActivation", stem + ".codes", {node.inputs[0]});
      node.op = quantized;
      changed = true;
    }
    graph.nodes.push_back(std::move(node));
  }
  return changed;
}

}  // namespace lathe
