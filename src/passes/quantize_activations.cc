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
#include <algorithm>
#include <map>
#include <utility>

#include "passes/pass.h"
#include "quant/activation.h"

namespace lathe {

namespace {

/// The op that reads codes in place of this one, or nullptr.
const Op* quantized_op(const Op* op) {
  if (op == find_op("Linear")) return find_op("QuantizedLinear");
  if (op == find_op("ExpertLinear")) return find_op("QuantizedExpertLinear");
  return nullptr;
}

/// Adds the nodes that make codes of inputs.
class CodeMaker {
 public:
  CodeMaker(Graph& graph, const ActivationCodes& activations) : graph_(graph), activations_(activations) {}

  ValueId add(const Node& product, const std::string& name) {
    const ValueId input = product.inputs[0];
    const std::string& weight = graph_.value(product.inputs[1]).name;
    const std::int64_t columns = graph_.value(input).type.dims.back().value;
    const auto known = activations_.ranges.find(weight);
    const auto fine = activations_.fine.find(weight);
    if (known != activations_.ranges.end()) {
      std::vector<ValueId> inputs = {input, ranges(input, known->second)};
      if (fine != activations_.fine.end()) inputs.push_back(marks(input, columns, fine->second));
      return graph_.add("RangedQuantizeActivation", name, inputs);
    }
    std::int64_t group = activations_.group == 0 ? columns : std::min(activations_.group, columns);
    while (columns % group != 0) group -= kActivationBlock;
    if (group == kActivationBlock) {
      if (fine == activations_.fine.end()) return graph_.add("QuantizeActivation", name, {input});
      return graph_.add("QuantizeActivation", name, {input, marks(input, columns, fine->second)});
    }
    return graph_.add("RangedQuantizeActivation", name, {input}, {{"group", group}});
  }

 private:
  ValueId ranges(ValueId input, const std::vector<float>& ends) {
    return constant(input, ".ranges", {2, std::ssize(ends) / 2}, ends);
  }

  /// f32 [columns], 1 at fine ones.
  ValueId marks(ValueId input, std::int64_t columns, const std::vector<std::int32_t>& fine) {
    std::vector<float> marks(static_cast<std::size_t>(columns), 0.0f);
    for (const auto column : fine) marks.at(static_cast<std::size_t>(column)) = 1.0f;
    return constant(input, ".fine", {columns}, marks);
  }

  /// Matrices that share an input share its codes, so that what is computed twice can be merged.
  ValueId constant(ValueId input, const std::string& ending, const Shape& shape,
                   const std::vector<float>& numbers) {
    const auto [known, fresh] = constants_.try_emplace({input, numbers});
    if (fresh) {
      const auto bytes = std::make_shared<const std::vector<float>>(numbers);
      known->second =
          graph_.add_constant(graph_.value(input).name + ending,
                              {reinterpret_cast<const std::byte*>(bytes->data()), Dtype::f32, shape}, bytes);
    }
    return known->second;
  }

  Graph& graph_;
  const ActivationCodes& activations_;
  std::map<std::pair<ValueId, std::vector<float>>, ValueId> constants_;
};

}  // namespace

bool quantize_activations(Graph& graph, const PassContext& context) {
  if (context.math != "int8") return false;
  CodeMaker codes(graph, context.activations);
  bool changed = false;
  for (auto& node : std::exchange(graph.nodes, {})) {
    const Op* quantized = quantized_op(node.op);
    const bool floats = quantized != nullptr && graph.value(node.inputs[0]).type.dtype == Dtype::f32;
    const Dtype weight = floats ? graph.value(node.inputs[1]).type.dtype : Dtype::f32;
    const auto stem = node.name.empty() ? std::string(node.op->name) : node.name;
    if (weight == Dtype::bf16) {
      node.inputs[0] = graph.add("RoundActivation", stem + ".rounded", {node.inputs[0]});
      changed = true;
    } else if (is_block_quantized(weight) &&
               !context.activations.exact.contains(graph.value(node.inputs[1]).name)) {
      node.inputs[0] = codes.add(node, stem + ".codes");
      node.op = quantized;
      changed = true;
    }
    graph.nodes.push_back(std::move(node));
  }
  return changed;
}

}  // namespace lathe
