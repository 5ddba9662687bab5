// Linear(x, block-quantized weight)  ->  QuantizedLinear(QuantizeActivation(x), weight), where math is int8.
//
// Decoding weights to float32 costs several operations for each product, and leaves the processor's 8-bit dot
// products (4 products an instruction and lane) unused: with codes on both sides the same weights are read
// once and multiplied as they lie. Activations get their codes at run time, a scale and a minimum per 32
// values of a row, so that a row's result depends on that row alone. Every Linear gets a QuantizeActivation
// of its own here; merge_common_subexpressions behind this pass leaves one for all consumers of an activation
// (q, k and v; gate and up).
#include <utility>

#include "passes/pass.h"

namespace lathe {

bool quantize_activations(Graph& graph, const PassContext& context) {
  if (context.math != "int8") return false;
  bool changed = false;
  for (auto& node : std::exchange(graph.nodes, {})) {
    if (node.op == find_op("Linear") && is_block_quantized(graph.value(node.inputs[1]).type.dtype)) {
      const auto stem = node.name.empty() ? std::string(node.op->name) : node.name;
      node.inputs[0] = graph.add("QuantizeActivation", stem + ".codes", {node.inputs[0]});
      node.op = find_op("QuantizedLinear");
      changed = true;
    }
    graph.nodes.push_back(std::move(node));
  }
  return changed;
}

}  // namespace lathe
