#include "graph/size_values.h"

#include <algorithm>

#include "base/error.h"
#include "graph/infer.h"

namespace lathe {

Elements SizeValues::of(const Graph& graph, ValueId id) const {
  const Value& value = graph.value(id);
  if (value.kind == ValueKind::constant) return elements_of(value.data);
  return static_cast<std::size_t>(id) < elements_.size() ? elements_[static_cast<std::size_t>(id)]
                                                         : std::nullopt;
}

std::vector<ValueType> SizeValues::infer(const Graph& graph, const Node& node) const {
  std::vector<ValueType> types;
  std::vector<TensorView> values(node.inputs.size());
  std::vector<Elements> elements(node.inputs.size());
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    const Value& value = graph.value(node.inputs[i]);
    types.push_back(value.type);
    if (value.kind == ValueKind::constant) values[i] = value.data;
    if (i < 32 && (node.op->value_inputs >> i & 1) != 0) elements[i] = of(graph, node.inputs[i]);
  }
  return infer_types(node, {types, values, elements, &symbols_});
}

bool SizeValues::sharpen(Graph& graph, const Node& node) {
  const auto known = [&graph](ValueId id) { return is_planned(graph.value(id).type); };
  if (std::ranges::all_of(node.outputs, known)) return false;
  const auto types = infer(graph, node);
  bool changed = false;
  for (std::size_t i = 0; i < types.size(); ++i) {
    if (const auto problem = type_problem(types[i]); !problem.empty())
      throw Error(ErrorCode::invalid_argument, std::string(node.op->name) + " " + printable(node.name) +
                                                   " gives " + to_string(types[i]) + ": " + problem);
    auto& type = graph.value(node.outputs[i]).type;
    if (to_string(type) == to_string(types[i])) continue;
    types_before_.emplace(node.outputs[i], type);
    type = types[i];
    changed = true;
  }
  return changed;
}

bool SizeValues::forget_inputs(Graph& graph, const Node& node) {
  bool any = false;
  for (const auto id : node.inputs) {
    const auto before = types_before_.find(id);
    if (before == types_before_.end()) continue;
    graph.value(id).type = before->second;
    types_before_.erase(before);
    any = true;
  }
  return any;
}

bool SizeValues::follow(Graph& graph, const Node& node) {
  bool changed = false;
  try {
    changed = sharpen(graph, node);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::invalid_argument || !forget_inputs(graph, node)) throw;
    changed = sharpen(graph, node);
  }
  elements_.resize(graph.values.size());
  std::vector<ValueType> types;
  std::vector<ValueType> outputs;
  std::vector<Elements> elements;
  for (const auto id : node.inputs) types.push_back(graph.value(id).type);
  for (const auto id : node.outputs) outputs.push_back(graph.value(id).type);
  for (const auto id : node.inputs) elements.push_back(of(graph, id));
  auto found = size_elements({node, types, elements, outputs, symbols_});
  for (std::size_t i = 0; i < found.size(); ++i)
    elements_[static_cast<std::size_t>(node.outputs[i])] = std::move(found[i]);
  return changed;
}

}  // namespace lathe
