#include <array>
#include <charconv>

#include "base/error.h"
#include "graph/graph.h"
#include "graph/text_form.h"

namespace lathe {
namespace {

using text_form::quoted_if_needed;

std::string value_name(const Graph& graph, ValueId id) {
  return '%' + quoted_if_needed(graph.value(id).name, true);
}

std::string_view kind_word(ValueKind kind) {
  constexpr std::array<std::string_view, 4> kWords = {"computed", "input", "state", "constant"};
  return kWords[static_cast<std::size_t>(kind)];
}

std::string attribute_text(const Attribute& attribute) {
  if (const auto* integer = std::get_if<std::int64_t>(&attribute)) return std::to_string(*integer);
  if (const auto* text = std::get_if<std::string>(&attribute)) return text_form::quoted(*text);
  std::array<char, 32> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), std::get<double>(attribute));
  return {digits.data(), end.ptr};
}

void print_typed(std::string& text, const Graph& graph, ValueId id) {
  text += value_name(graph, id) + ": " + to_string(graph.value(id).type);
}

/// A graph inside a statement: no line end behind it, two spaces more before each line.
std::string indented(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  for (auto at = text.find('\n'); at != std::string::npos; at = text.find('\n', at + 3))
    text.insert(at + 1, "  ");
  return text;
}

void print_node(std::string& text, const Graph& graph, const Node& node) {
  text += "  ";
  for (std::size_t i = 0; i < node.outputs.size(); ++i) {
    if (i != 0) text += ", ";
    print_typed(text, graph, node.outputs[i]);
  }
  text += " = " + std::string(node.op->name);
  if (node.outputs.empty() ||
      node.name != text_form::default_node_name(graph.value(node.outputs[0]).name, node.outputs.size()))
    text += " @" + quoted_if_needed(node.name, true);
  text += '(';
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    if (i != 0) text += ", ";
    text += value_name(graph, node.inputs[i]);
  }
  text += ')';
  bool first = true;
  for (const auto& spec : node.op->attributes) {
    const auto found = node.attributes.find(spec.name);
    if (found == node.attributes.end()) continue;
    text += first ? " {" : ", ";
    first = false;
    text += std::string(spec.name) + " = " + attribute_text(found->second);
  }
  if (!first) text += '}';
  for (const auto& body : node.bodies) text += " do " + indented(print(*body));
  text += '\n';
}

}  // namespace

std::string print(const Graph& graph) {
  std::string text = "graph " + quoted_if_needed(graph.name) + " {\n";
  for (std::size_t i = 0; i < graph.values.size(); ++i) {
    const auto kind = graph.values[i].kind;
    if (kind == ValueKind::computed) continue;
    text += "  ";
    print_typed(text, graph, static_cast<ValueId>(i));
    text += " = " + std::string(kind_word(kind)) + "\n";
  }
  for (const auto& node : graph.nodes) print_node(text, graph, node);
  for (std::size_t i = 0; i < graph.outputs.size(); ++i) {
    text += i == 0 ? "  return " : ", ";
    text += quoted_if_needed(graph.output_names.at(i)) + " = " + value_name(graph, graph.outputs[i]);
  }
  return text + (graph.outputs.empty() ? "}\n" : "\n}\n");
}

}  // namespace lathe
