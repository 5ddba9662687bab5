#include "passes/linear_program.h"

#include <algorithm>
#include <charconv>

#include "graph/fused_parts.h"

namespace lathe {
namespace {

constexpr std::string_view kOutput = "o0 = ";

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Calls visit(letter, number) for each xN, wN, tN and oN, and puts the number that it returns in its place.
template <class Visit>
std::string renumbered(std::string_view text, Visit visit) {
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    while (end < text.size() && (is_letter(text[end]) || (end > at && is_digit(text[end])))) ++end;
    const std::string_view word = text.substr(at, end == at ? 1 : end - at);
    at += word.size();
    int number = 0;
    const bool named = word.size() > 1 && std::string_view("xwto").find(word[0]) != std::string_view::npos &&
                       std::ranges::all_of(word.substr(1), is_digit);
    if (named) std::from_chars(word.data() + 1, word.data() + word.size(), number);
    result += named ? word[0] + std::to_string(visit(word[0], number)) : std::string(word);
  }
  return result;
}

/// One more than the greatest number behind the letter.
int numbers_of(std::string_view text, char letter) {
  int count = 0;
  renumbered(text, [&count, letter](char found, int number) {
    if (found == letter) count = std::max(count, number + 1);
    return number;
  });
  return count;
}

/// Calls, and a store for each output; "quantize(...)" is both.
int instructions_of(std::string_view text) {
  auto count = static_cast<int>(std::ranges::count(text, '(')) + numbers_of(text, 'o');
  constexpr std::string_view kQuantize = "quantize(";
  for (auto at = text.find(kQuantize); at != text.npos; at = text.find(kQuantize, at + 1)) --count;
  return count;
}

}  // namespace

std::optional<LinearProgram> LinearProgram::of(const Node& node) {
  if (node.op->name == "Linear" || node.op->name == "QuantizedLinear")
    return LinearProgram{{node.inputs[1]}, {}, "o0 = w0"};
  if (node.op->name != "FusedLinear") return std::nullopt;
  const auto first_input = node.inputs.begin() + 1 + node.integer("weights");
  return LinearProgram{
      {node.inputs.begin() + 1, first_input}, {first_input, node.inputs.end()}, node.text("program")};
}

std::string_view LinearProgram::expression() const {
  const std::string_view text = program;
  if (!text.starts_with(kOutput) || text.find(';') != text.npos) return {};
  const auto rest = text.substr(kOutput.size());
  return rest.starts_with("quantize(") ? std::string_view{} : rest;
}

void LinearProgram::set_expression(const std::string& expression) {
  program = std::string(kOutput) + expression;
}

std::string LinearProgram::add_input(ValueId id) {
  inputs.push_back(id);
  return "x" + std::to_string(inputs.size() - 1);
}

void LinearProgram::append(const LinearProgram& other) {
  const int outputs = numbers_of(program, 'o');
  const int temporaries = numbers_of(program, 't');
  program += "; " + renumbered(other.program, [&](char letter, int number) {
               switch (letter) {
                 case 'x':
                   return number + static_cast<int>(inputs.size());
                 case 'w':
                   return number + static_cast<int>(weights.size());
                 case 't':
                   return number + temporaries;
                 default:
                   return number + outputs;
               }
             });
  inputs.insert(inputs.end(), other.inputs.begin(), other.inputs.end());
  weights.insert(weights.end(), other.weights.begin(), other.weights.end());
}

bool LinearProgram::fits() const {
  return weights.size() <= kMaxFusedWeights && inputs.size() <= kMaxFusedInputs &&
         numbers_of(program, 'o') <= kMaxFusedOutputs && instructions_of(program) <= kMaxFusedInstructions;
}

Node LinearProgram::node(std::string name, ValueId activation, std::vector<ValueId> outputs) const {
  Node result;
  result.op = find_op("FusedLinear");
  result.name = std::move(name);
  result.inputs = {activation};
  result.inputs.insert(result.inputs.end(), weights.begin(), weights.end());
  result.inputs.insert(result.inputs.end(), inputs.begin(), inputs.end());
  result.outputs = std::move(outputs);
  result.attributes = {{"program", program}, {"weights", static_cast<std::int64_t>(weights.size())}};
  return result;
}

bool is_broadcast(const ValueType& operand, const ValueType& whole) {
  return operand.dtype == Dtype::f32 && operand.dims.size() == 1 && whole.dims.size() == 2 &&
         (operand.dims[0] == whole.dims[1] || operand.dims[0] == Dim(1));
}

std::string joined_names(const std::string& first, const std::string& second) {
  return first + (first.empty() || second.empty() ? "" : " + ") + second;
}

void erase_nodes(Graph& graph, const std::vector<bool>& gone) {
  std::size_t index = 0;
  std::erase_if(graph.nodes, [&](const Node&) { return gone[index++]; });
}

}  // namespace lathe
