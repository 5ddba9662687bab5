#include "graph/infer.h"

#include "base/error.h"

namespace lathe {

std::vector<ValueType> infer_types(const Node& node, const RuleInputs& inputs) {
  if (node.bodies.size() != static_cast<std::size_t>(node.op->bodies))
    throw Error(ErrorCode::invalid_argument,
                std::string(node.op->name) + " has " + std::to_string(node.op->bodies) +
                    " graphs of its own, not " + std::to_string(node.bodies.size()));
  if (node.op->infer_values != nullptr) return node.op->infer_values(inputs, node);
  for (const auto& type : inputs.types)
    if (!type.ranked || type.container != Container::tensor)
      throw Error(ErrorCode::unsupported, std::string(node.op->name) + " of " + to_string(type),
                  {{}, std::nullopt, printable(node.name)});
  return node.op->infer(inputs.types, node);
}

std::vector<ValueType> infer_types(const Graph& graph, const Node& node) {
  std::vector<ValueType> types;
  std::vector<TensorView> values(node.inputs.size());
  types.reserve(node.inputs.size());
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    const auto& value = graph.value(node.inputs[i]);
    types.push_back(value.type);
    if (value.kind == ValueKind::constant) values[i] = value.data;
  }
  return infer_types(node, {types, values});
}

bool is_compatible(const ValueType& expected, const ValueType& found) {
  if (expected.dtype != found.dtype || expected.container != found.container) return false;
  if (!expected.ranked || !found.ranked) return true;
  if (expected.dims.size() != found.dims.size()) return false;
  for (std::size_t i = 0; i < expected.dims.size(); ++i)
    if (!expected.dims[i].is_unknown() && !found.dims[i].is_unknown() && expected.dims[i] != found.dims[i])
      return false;
  return true;
}

}  // namespace lathe
