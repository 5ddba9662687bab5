#include "compile/node_key.h"

#include <array>
#include <cstdio>

#include "base/cpu_features.h"
#include "base/error.h"

namespace lathe {
namespace {

std::string type_text(const Graph& graph, ValueId id, const SymbolValues& values) {
  ValueType type = graph.value(id).type;
  for (auto& dim : type.dims)
    if (dim.symbol != "P") dim = Dim(values.of(dim));
  return to_string(type);
}

std::string types_text(const Graph& graph, const std::vector<ValueId>& ids, const SymbolValues& values) {
  std::string text;
  for (const auto id : ids) text += (text.empty() ? "" : ", ") + type_text(graph, id, values);
  return text;
}

std::string attribute_text(const Attribute& attribute) {
  if (const auto* number = std::get_if<std::int64_t>(&attribute)) return std::to_string(*number);
  if (const auto* text = std::get_if<std::string>(&attribute)) return *text;
  std::array<char, 32> digits{};
  std::snprintf(digits.data(), digits.size(), "%.9g", std::get<double>(attribute));
  return digits.data();
}

}  // namespace

std::string node_key(const Graph& graph, const Node& node, const SymbolValues& values) {
  std::string text = std::string(node.op->name) + "(" + types_text(graph, node.inputs, values) + ") -> " +
                     types_text(graph, node.outputs, values);
  std::string attributes;
  for (const auto& [name, value] : node.attributes)
    if (name != "layer") attributes += (attributes.empty() ? "" : ", ") + name + "=" + attribute_text(value);
  return attributes.empty() ? text : text + " {" + attributes + "}";
}

std::string machine_key(int threads) {
  return processor_name() + " " + processor_signature() + ", " + std::string(isa_name(chosen_isa())) + ", " +
         std::to_string(threads) + (threads == 1 ? " thread" : " threads");
}

}  // namespace lathe
