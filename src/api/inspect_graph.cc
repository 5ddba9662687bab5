// Which step computes which node of the graph before the passes. Values keep their names through the passes,
// so that a node whose output the plan still has belongs to the step that writes it; any other has gone into
// those that read what it would have made.
#include <map>
#include <string>
#include <string_view>

#include "api/inspect_plan.h"
#include "base/error.h"

namespace lathe {
namespace {

OperandInspection operand_of(const Graph& graph, ValueId id) {
  const Value& value = graph.value(id);
  OperandInspection operand{printable(value.name), std::string(info(value.type.dtype).name), {}, ""};
  for (const auto& dim : value.type.dims) operand.dims.push_back(to_string(dim));
  if (value.kind == ValueKind::constant) operand.place = "weight";
  if (value.kind == ValueKind::input) operand.place = "input";
  if (value.kind == ValueKind::state) operand.place = "state";
  return operand;
}

/// Steps by what stands in their names between " + ", and by the values that they write.
struct StepNames {
  std::map<std::string, std::int32_t, std::less<>> nodes;
  std::map<std::string, std::int32_t, std::less<>> values;

  explicit StepNames(const Inspection& inspection) {
    for (std::size_t i = 0; i < inspection.steps.size(); ++i) {
      const auto step = static_cast<std::int32_t>(i);
      for (const auto& part : parts_of_name(inspection.steps[i].name)) nodes.emplace(part, step);
      for (const auto& output : inspection.steps[i].outputs) values.emplace(output.name, step);
    }
  }

  std::int32_t step_of(const NodeInspection& node) const {
    if (const auto named = nodes.find(node.name); named != nodes.end()) return named->second;
    for (const auto& output : node.outputs)
      if (const auto written = values.find(output.name); written != values.end()) return written->second;
    return -1;
  }
};

}  // namespace

std::vector<std::string> parts_of_name(std::string_view name) {
  constexpr std::string_view kBetween = " + ";
  while (name.ends_with(" +")) name.remove_suffix(2);  // what tells apart names that would be equal
  std::vector<std::string> parts;
  for (std::size_t end = name.find(kBetween); end != std::string_view::npos; end = name.find(kBetween)) {
    parts.emplace_back(name.substr(0, end));
    name.remove_prefix(end + kBetween.size());
  }
  parts.emplace_back(name);
  return parts;
}

void inspect_graph(const Graph& before, Inspection& inspection) {
  for (const auto& node : before.nodes) {
    NodeInspection shown;
    shown.name = printable(node.name.empty() ? std::string(node.op->name) : node.name, 2000);
    shown.op = std::string(node.op->name);
    for (const auto id : node.inputs) shown.inputs.push_back(operand_of(before, id));
    for (const auto id : node.outputs) shown.outputs.push_back(operand_of(before, id));
    inspection.before.push_back(std::move(shown));
  }
  const StepNames names(inspection);
  std::map<std::string, std::int32_t, std::less<>> readers;  // the step of a node that reads the value
  for (auto node = inspection.before.rbegin(); node != inspection.before.rend(); ++node) {
    node->step = names.step_of(*node);
    for (const auto& output : node->outputs)
      if (const auto reader = readers.find(output.name); node->step < 0 && reader != readers.end())
        node->step = reader->second;
    if (node->step < 0) continue;
    for (const auto& input : node->inputs) readers[input.name] = node->step;
  }
  for (const auto& node : inspection.before)
    if (node.step >= 0) inspection.steps[static_cast<std::size_t>(node.step)].sources.push_back(node.name);
}

}  // namespace lathe
