#include "graph/infer.h"

#include "base/error.h"

namespace lathe {

std::vector<ValueType> infer_types(const Node& node, const RuleInputs& inputs) {
  if (node.op->infer_values != nullptr) return node.op->infer_values(inputs, node);
  for (const auto& type : inputs.types)
    if (!type.ranked)
      throw Error(ErrorCode::unsupported,
                  std::string(node.op->name) + " of a tensor whose number of dimensions only a run knows",
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
  if (expected.dtype != found.dtype) return false;
  if (!expected.ranked || !found.ranked) return true;
  if (expected.dims.size() != found.dims.size()) return false;
  for (std::size_t i = 0; i < expected.dims.size(); ++i)
    if (!expected.dims[i].is_unknown() && !found.dims[i].is_unknown() && expected.dims[i] != found.dims[i])
      return false;
  return true;
}

}  // namespace lathe
