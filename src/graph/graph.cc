#include "graph/graph.h"

#include <cmath>

#include "base/error.h"
#include "graph/infer.h"

namespace lathe {
namespace {

[[noreturn]] void refuse(const std::string& message) { throw Error(ErrorCode::invalid_argument, message); }

void require_type(const std::string& name, const ValueType& type) {
  if (type.dims.size() > kMaxDims)
    throw Error(ErrorCode::unsupported, printable(name) + " has " + std::to_string(type.dims.size()) +
                                            " dimensions, of at most " + std::to_string(kMaxDims));
  if (const auto problem = type_problem(type); !problem.empty())
    refuse("the type of " + printable(name) + " is not possible: " + problem);
}

const AttributeSpec* find_attribute(const Op& op, std::string_view name) {
  for (const auto& spec : op.attributes)
    if (spec.name == name) return &spec;
  return nullptr;
}

bool fits(const AttributeSpec& spec, const Attribute& value) {
  if (spec.kind == AttributeKind::integer) return std::holds_alternative<std::int64_t>(value);
  if (spec.kind == AttributeKind::real)
    return std::holds_alternative<double>(value) && std::isfinite(std::get<double>(value));
  return std::holds_alternative<std::string>(value);
}

std::string_view kind_words(AttributeKind kind) {
  if (kind == AttributeKind::integer) return "an integer";
  return kind == AttributeKind::real ? "a finite real" : "a text";
}

}  // namespace

std::int64_t Node::integer(std::string_view attribute) const {
  const auto found = attributes.find(attribute);
  CHECK(found != attributes.end() && std::holds_alternative<std::int64_t>(found->second));
  return std::get<std::int64_t>(found->second);
}

double Node::real(std::string_view attribute) const {
  const auto found = attributes.find(attribute);
  CHECK(found != attributes.end() && std::holds_alternative<double>(found->second));
  return std::get<double>(found->second);
}

const std::string& Node::text(std::string_view attribute) const {
  const auto found = attributes.find(attribute);
  CHECK(found != attributes.end() && std::holds_alternative<std::string>(found->second));
  return std::get<std::string>(found->second);
}

Attributes complete_attributes(const Op& op, Attributes given) {
  for (const auto& [name, value] : given) {
    const auto* spec = find_attribute(op, name);
    if (spec == nullptr) refuse(std::string(op.name) + " has no attribute " + printable(name));
    if (!fits(*spec, value))
      refuse("attribute " + name + " of " + std::string(op.name) + " must be " +
             std::string(kind_words(spec->kind)));
  }
  for (const auto& spec : op.attributes) {
    if (given.contains(spec.name)) continue;
    if (std::isnan(spec.default_value))
      refuse(std::string(op.name) + " needs attribute " + std::string(spec.name));
    if (spec.kind == AttributeKind::integer)
      given.emplace(spec.name, static_cast<std::int64_t>(spec.default_value));
    else if (spec.kind == AttributeKind::real)
      given.emplace(spec.name, spec.default_value);
    else
      given.emplace(spec.name, std::string());
  }
  return given;
}

std::string Graph::unique(NameCounts& names, std::string name) {
  auto [entry, fresh] = names.try_emplace(name, 1);
  while (!fresh) {
    std::string candidate = name + '.' + std::to_string(names[name]++);
    if (names.try_emplace(candidate, 1).second) return candidate;
  }
  return name;
}

ValueId Graph::add_input(std::string value_name, ValueType type, ValueKind kind) {
  CHECK(kind == ValueKind::input || kind == ValueKind::state);
  require_type(value_name, type);
  if (value_name.empty()) refuse("an input needs a name");
  if (!value_names_.try_emplace(value_name, 1).second)
    refuse("there is already a value " + printable(value_name));
  values.push_back({std::move(value_name), kind, std::move(type), {}, nullptr});
  return static_cast<ValueId>(values.size() - 1);
}

ValueId Graph::add_constant(std::string constant_name, TensorView data, std::shared_ptr<const void> owner) {
  if (constant_name.empty()) refuse("a constant needs a name");
  ValueType type{data.dtype, {data.shape.begin(), data.shape.end()}};
  require_type(constant_name, type);
  values.push_back({unique(value_names_, std::move(constant_name)), ValueKind::constant, std::move(type),
                    std::move(data), std::move(owner)});
  return static_cast<ValueId>(values.size() - 1);
}

Node Graph::make_node(std::string_view op, std::vector<ValueId> inputs, Attributes attributes) const {
  Node node;
  node.op = find_op(op);
  if (node.op == nullptr) refuse("there is no op " + printable(op));
  const auto count = static_cast<int>(inputs.size());
  if (count < node.op->min_inputs || count > node.op->max_inputs)
    refuse(std::string(op) + " takes " + std::to_string(node.op->min_inputs) + " inputs, not " +
           std::to_string(count));
  for (const auto input : inputs)
    if (input < 0 || static_cast<std::size_t>(input) >= values.size())
      refuse(std::string(op) + ": input " + std::to_string(input) + " is no value of the graph");
  node.inputs = std::move(inputs);
  node.attributes = complete_attributes(*node.op, std::move(attributes));
  return node;
}

std::vector<ValueType> Graph::infer(const Node& node) const {
  auto results = infer_types(*this, node);
  for (const auto& result : results) require_type(node.name, result);
  return results;
}

std::vector<ValueId> Graph::append(Node node, std::vector<ValueType> types,
                                   std::vector<std::string> value_names) {
  for (std::size_t i = 0; i < types.size(); ++i) {
    node.outputs.push_back(static_cast<ValueId>(values.size()));
    values.push_back({std::move(value_names[i]), ValueKind::computed, std::move(types[i]), {}, nullptr});
  }
  nodes.push_back(std::move(node));
  return nodes.back().outputs;
}

std::vector<ValueId> Graph::add_node(std::string_view op, std::string node_name, std::vector<ValueId> inputs,
                                     Attributes attributes,
                                     std::vector<std::shared_ptr<const Graph>> bodies) {
  Node node = make_node(op, std::move(inputs), std::move(attributes));
  node.bodies = std::move(bodies);
  node.name = std::move(node_name);
  auto types = infer(node);
  if (!node.name.empty()) node.name = unique(node_names_, std::move(node.name));
  const std::string stem = node.name.empty() ? std::string(op) : node.name;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < types.size(); ++i)
    names.push_back(unique(value_names_, types.size() == 1 ? stem : stem + '.' + std::to_string(i)));
  return append(std::move(node), std::move(types), std::move(names));
}

std::vector<ValueId> Graph::add_node_as(std::string_view op, std::string node_name,
                                        std::vector<std::string> value_names, std::vector<ValueId> inputs,
                                        Attributes attributes,
                                        std::vector<std::shared_ptr<const Graph>> bodies) {
  Node node = make_node(op, std::move(inputs), std::move(attributes));
  node.bodies = std::move(bodies);
  node.name = std::move(node_name);
  auto types = infer(node);
  if (types.size() != value_names.size())
    refuse(std::string(op) + " has " + std::to_string(types.size()) + " outputs, not " +
           std::to_string(value_names.size()));
  if (!node.name.empty() && !node_names_.try_emplace(node.name, 1).second)
    refuse("there is already a node " + printable(node.name));
  for (const auto& value_name : value_names)
    if (value_name.empty() || !value_names_.try_emplace(value_name, 1).second)
      refuse(value_name.empty() ? "a value needs a name"
                                : "there is already a value " + printable(value_name));
  return append(std::move(node), std::move(types), std::move(value_names));
}

ValueId Graph::add(std::string_view op, std::string node_name, std::vector<ValueId> inputs,
                   Attributes attributes) {
  const auto* row = find_op(op);
  CHECK(row == nullptr || row->outputs == 1);
  return add_node(op, std::move(node_name), std::move(inputs), std::move(attributes)).front();
}

void Graph::add_output(std::string output_name, ValueId value) {
  if (value < 0 || static_cast<std::size_t>(value) >= values.size())
    refuse("output " + printable(output_name) + " is no value of the graph");
  if (!taken_output_names_.try_emplace(output_name, 1).second)
    refuse("there is already an output " + printable(output_name));
  outputs.push_back(value);
  output_names.push_back(std::move(output_name));
}

std::size_t remove_unused_values(Graph& graph) {
  std::vector<bool> used(graph.values.size(), false);
  const auto use = [&used](ValueId id) { used[static_cast<std::size_t>(id)] = true; };
  for (const auto& node : graph.nodes) {
    for (const auto id : node.inputs) use(id);
    for (const auto id : node.outputs) use(id);
  }
  for (const auto id : graph.outputs) use(id);

  std::vector<ValueId> number(graph.values.size(), -1);
  std::vector<Value> kept;
  for (std::size_t i = 0; i < graph.values.size(); ++i) {
    const auto kind = graph.values[i].kind;
    if (!used[i] && kind != ValueKind::input && kind != ValueKind::state) continue;
    number[i] = static_cast<ValueId>(kept.size());
    kept.push_back(std::move(graph.values[i]));
  }
  const auto renumber = [&number](std::vector<ValueId>& ids) {
    for (auto& id : ids) id = number[static_cast<std::size_t>(id)];
  };
  for (auto& node : graph.nodes) {
    renumber(node.inputs);
    renumber(node.outputs);
  }
  renumber(graph.outputs);
  const auto removed = graph.values.size() - kept.size();
  graph.values = std::move(kept);
  return removed;
}

}  // namespace lathe
