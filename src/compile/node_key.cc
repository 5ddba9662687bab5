#include "compile/node_key.h"

#include <cpuid.h>

#include <array>
#include <cstdio>
#include <cstring>

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

/// The name that the processor gives itself.
std::string processor_name() {
  std::array<unsigned, 12> words{};
  for (unsigned i = 0; i < 3; ++i)
    if (__get_cpuid(0x80000002u + i, &words[4 * i], &words[4 * i + 1], &words[4 * i + 2],
                    &words[4 * i + 3]) == 0)
      return "unknown processor";
  std::array<char, sizeof words + 1> text{};
  std::memcpy(text.data(), words.data(), sizeof words);
  const std::string name(text.data());
  const auto begin = name.find_first_not_of(' ');
  const auto end = name.find_last_not_of(' ');
  return begin == std::string::npos ? "unknown processor" : printable(name.substr(begin, end + 1 - begin));
}

/// Family, model and stepping in hexadecimal: names of processors in virtual machines say little.
std::string processor_signature() {
  unsigned signature = 0;
  unsigned unused[3] = {};
  if (__get_cpuid(1, &signature, &unused[0], &unused[1], &unused[2]) == 0) return "0";
  std::array<char, 16> digits{};
  std::snprintf(digits.data(), digits.size(), "%x", signature);
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
