#include "formats/onnx_functions.h"

#include <algorithm>
#include <unordered_map>

#include "base/error.h"
#include "formats/onnx_check.h"
#include "formats/onnx_reader.h"

namespace lathe::onnx {
namespace {

constexpr int kMaxCallDepth = 64;  // functions that call each other
// Of what is copied: a few functions that call the next one twice each ask for any amount.
constexpr std::uint64_t kMaxCopiedBytes = std::uint64_t{1} << 28;

/// What names of a body, or of a graph in it, have become.
struct Names {
  std::unordered_map<std::string, std::string> renamed;
  const Names* outer = nullptr;

  /// Null where the name is not known here or further out.
  const std::string* find(const std::string& name) const {
    for (const Names* names = this; names != nullptr; names = names->outer)
      if (const auto found = names->renamed.find(name); found != names->renamed.end()) return &found->second;
    return nullptr;
  }
};

struct Call {
  const Node& node;  // with its own names and attributes as they are to be
  const Function& function;
  std::string prefix;
};

// Memory that a copy takes.
std::uint64_t bytes_of(const Graph& graph);

std::uint64_t bytes_of(const std::vector<std::string>& texts) {
  std::uint64_t bytes = 0;
  for (const std::string& text : texts) bytes += sizeof(std::string) + text.size();
  return bytes;
}

std::uint64_t bytes_of(const Tensor& tensor) {
  return sizeof(Tensor) + tensor.name.size() + tensor.dims.size() * sizeof(std::int64_t) +
         bytes_of(tensor.strings);
}

std::uint64_t bytes_of(const SparseTensor& tensor) {
  return bytes_of(tensor.values) + bytes_of(tensor.indices) + tensor.dims.size() * sizeof(std::int64_t);
}

std::uint64_t bytes_of(const Type& type) {
  std::uint64_t bytes = sizeof(Type);
  for (const Dim& dim : type.dims) bytes += sizeof(Dim) + dim.parameter.size();
  return bytes;
}

std::uint64_t bytes_of(const ValueInfo& info) { return info.name.size() + bytes_of(info.type); }

/// Without its graphs.
std::uint64_t bytes_of(const Attribute& attribute) {
  std::uint64_t bytes = sizeof(Attribute) + attribute.reals.size() * sizeof(float) +
                        attribute.integers.size() * sizeof(std::int64_t) + bytes_of(attribute.texts);
  for (const Tensor& tensor : attribute.tensors) bytes += bytes_of(tensor);
  for (const SparseTensor& tensor : attribute.sparse_tensors) bytes += bytes_of(tensor);
  for (const Type& type : attribute.types) bytes += bytes_of(type);
  return bytes;
}

/// Without its nodes.
std::uint64_t bytes_of_values(const Graph& graph) {
  std::uint64_t bytes = sizeof(Graph);
  for (const ValueInfo& input : graph.inputs) bytes += bytes_of(input);
  for (const ValueInfo& output : graph.outputs) bytes += bytes_of(output);
  for (const Tensor& tensor : graph.initializers) bytes += bytes_of(tensor);
  for (const SparseTensor& tensor : graph.sparse_initializers) bytes += bytes_of(tensor);
  return bytes;
}

std::uint64_t bytes_of(const Graph& graph) {
  std::uint64_t bytes = bytes_of_values(graph);
  for (const Node& node : graph.nodes) {
    bytes += sizeof(Node) + bytes_of(node.inputs) + bytes_of(node.outputs);
    for (const Attribute& attribute : node.attributes) {
      bytes += bytes_of(attribute);
      for (const Graph& inner : attribute.graphs) bytes += bytes_of(inner);
    }
  }
  return bytes;
}

class Expander {
 public:
  explicit Expander(const Model& model) : model_(model), functions_(model) { collect_names(model.graph); }

  /// `graph_depth` and `call_depth`: of the graphs and calls that it lies in.
  void expand(Graph& graph, int graph_depth, int call_depth);

 private:
  [[noreturn]] void fail(const std::string& message, const Node& node,
                         ErrorCode code = ErrorCode::invalid_file) const {
    throw Error(code, message, {model_.file, node.offset, printable(node_label(node))});
  }

  void collect_names(const Graph& graph);
  std::string new_name(const std::string& prefix, const std::string& name);
  void spend(std::uint64_t bytes, const Node& node);

  void place(Node node, std::vector<Node>& nodes, int graph_depth, int call_depth);
  void place_call(const Node& node, const Function& function, std::vector<Node>& nodes, int graph_depth,
                  int call_depth);
  void check_call(const Node& node, const Function& function) const;

  Node copy(const Node& node, Names& names, const Call& call);
  void copy_attribute(const Attribute& attribute, Node& node, Names& names, const Call& call);
  Graph copy(const Graph& graph, const Names& outer, const Call& call);

  const Model& model_;
  FunctionIndex functions_;
  std::unordered_map<std::string, std::uint64_t> used_;  // names of values, and how often they were asked for
  std::uint64_t copied_nodes_ = 0;
  std::uint64_t copied_bytes_ = 0;
};

void Expander::collect_names(const Graph& graph) {
  for (const ValueInfo& input : graph.inputs) used_.emplace(input.name, 1);
  for (const Tensor& tensor : graph.initializers) used_.emplace(tensor.name, 1);
  for (const SparseTensor& tensor : graph.sparse_initializers) used_.emplace(tensor.values.name, 1);
  for (const Node& node : graph.nodes) {
    for (const std::string& output : node.outputs) used_.emplace(output, 1);
    for (const Attribute& attribute : node.attributes)
      for (const Graph& inner : attribute.graphs) collect_names(inner);
  }
}

std::string Expander::new_name(const std::string& prefix, const std::string& name) {
  const std::string wanted = prefix + name;
  std::string unique = wanted;
  while (!used_.emplace(unique, 1).second) unique = wanted + "." + std::to_string(++used_[wanted]);
  return unique;
}

void Expander::spend(std::uint64_t bytes, const Node& node) {
  copied_bytes_ += bytes;
  if (copied_nodes_ > kMaxNodes || copied_bytes_ > kMaxCopiedBytes)
    fail("the model's functions have more than " + std::to_string(kMaxNodes) + " nodes or " +
             std::to_string(kMaxCopiedBytes) + " bytes of attributes and names where they are called",
         node, ErrorCode::resource_limit);
}

void Expander::expand(Graph& graph, int graph_depth, int call_depth) {
  std::vector<Node> nodes;
  nodes.reserve(graph.nodes.size());
  for (Node& node : graph.nodes) {
    if (graph_depth > kMaxNesting)
      fail("graphs lie more than " + std::to_string(kMaxNesting) + " deep", node);
    place(std::move(node), nodes, graph_depth, call_depth);
  }
  graph.nodes = std::move(nodes);
}

void Expander::place(Node node, std::vector<Node>& nodes, int graph_depth, int call_depth) {
  for (Attribute& attribute : node.attributes)
    for (Graph& graph : attribute.graphs) expand(graph, graph_depth + 1, call_depth);
  const Function* function = functions_.find(node);
  if (function == nullptr)
    nodes.push_back(std::move(node));
  else
    place_call(node, *function, nodes, graph_depth, call_depth + 1);
}

void Expander::check_call(const Node& node, const Function& function) const {
  const std::string what = "the node " + printable(node_label(node)) + " calls the function " +
                           printable(function.name) + " with ";
  if (node.inputs.size() > function.inputs.size())
    fail(what + std::to_string(node.inputs.size()) + " inputs, and it has " +
             std::to_string(function.inputs.size()),
         node);
  if (node.outputs.size() > function.outputs.size())
    fail(what + std::to_string(node.outputs.size()) + " outputs, and it has " +
             std::to_string(function.outputs.size()),
         node);
  for (const Attribute& attribute : node.attributes) {
    const auto& defaults = function.default_attributes;
    const auto standard = std::ranges::find(defaults, attribute.name, &Attribute::name);
    const bool known = standard != defaults.end() ||
                       std::ranges::find(function.attributes, attribute.name) != function.attributes.end();
    if (!known) fail(what + "the attribute " + printable(attribute.name) + ", which it does not have", node);
    if (standard != defaults.end() && standard->kind != attribute.kind)
      fail(what + "the attribute " + printable(attribute.name) + " of another kind than its default", node);
  }
}

void Expander::place_call(const Node& node, const Function& function, std::vector<Node>& nodes,
                          int graph_depth, int call_depth) {
  if (call_depth > kMaxCallDepth)
    fail("functions call each other more than " + std::to_string(kMaxCallDepth) + " deep", node,
         ErrorCode::resource_limit);
  check_call(node, function);
  const Call call{node, function, node_label(node) + "/"};
  Names names;
  for (std::size_t i = 0; i < function.inputs.size(); ++i)
    names.renamed[function.inputs[i]] = i < node.inputs.size() ? node.inputs[i] : std::string();
  std::vector<std::size_t> passed;  // outputs that are an input, or another output too
  for (std::size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i].empty()) continue;
    if (!names.renamed.emplace(function.outputs[i], node.outputs[i]).second) passed.push_back(i);
  }
  for (const Node& inner : function.nodes) place(copy(inner, names, call), nodes, graph_depth, call_depth);
  for (const std::size_t i : passed) {
    Node identity;
    identity.name = call.prefix + function.outputs[i];
    identity.op_type = "Identity";
    identity.opset = model_.opset("").value_or(kLastOpset);
    identity.inputs = {*names.find(function.outputs[i])};
    if (identity.inputs.front().empty())
      fail("the call's output " + printable(node.outputs[i]) + " is an input that was not given", node);
    identity.outputs = {node.outputs[i]};
    identity.offset = node.offset;
    nodes.push_back(std::move(identity));
  }
}

Node Expander::copy(const Node& node, Names& names, const Call& call) {
  ++copied_nodes_;
  Node result;
  result.name = node.name.empty() ? std::string() : call.prefix + node.name;
  result.op_type = node.op_type;
  result.domain = node.domain;
  result.overload = node.overload;
  result.opset = node.opset;
  result.offset = node.offset;
  std::uint64_t bytes = sizeof(Node) + result.name.size() + node.op_type.size() + node.domain.size();
  for (const std::string& input : node.inputs) {
    const std::string* renamed = input.empty() ? &input : names.find(input);
    CHECK(renamed != nullptr);  // check_model has seen to it
    result.inputs.push_back(*renamed);
    bytes += sizeof(std::string) + renamed->size();
  }
  spend(bytes, node);
  for (const Attribute& attribute : node.attributes) copy_attribute(attribute, result, names, call);
  bytes = 0;
  for (const std::string& output : node.outputs) {
    if (!output.empty() && !names.renamed.contains(output))
      names.renamed.emplace(output, new_name(call.prefix, output));
    result.outputs.push_back(output.empty() ? output : names.renamed.at(output));
    bytes += 3 * (sizeof(std::string) + result.outputs.back().size());
  }
  spend(bytes, node);
  return result;
}

void Expander::copy_attribute(const Attribute& attribute, Node& node, Names& names, const Call& call) {
  const Attribute* source = &attribute;
  if (!attribute.ref_attr_name.empty()) {
    const auto& defaults = call.function.default_attributes;
    const auto standard = std::ranges::find(defaults, attribute.ref_attr_name, &Attribute::name);
    source = call.node.find(attribute.ref_attr_name);
    if (source == nullptr && standard != defaults.end()) source = &*standard;
    if (source == nullptr) return;
    if (source->kind != attribute.kind)
      fail("the attribute " + printable(attribute.name) + " is of another kind than " +
               printable(attribute.ref_attr_name) + " of the call",
           call.node);
  }
  spend(bytes_of(*source), node);
  if (source != &attribute || attribute.graphs.empty()) {
    // A call's graphs have their names already.
    for (const Graph& graph : source->graphs) spend(bytes_of(graph), node);
    node.attributes.push_back(*source);
    node.attributes.back().name = attribute.name;
    return;
  }
  Attribute& result = node.attributes.emplace_back();
  result.name = attribute.name;
  result.kind = attribute.kind;
  result.offset = attribute.offset;
  for (const Graph& graph : attribute.graphs) result.graphs.push_back(copy(graph, names, call));
}

Graph Expander::copy(const Graph& graph, const Names& outer, const Call& call) {
  Names names{{}, &outer};
  const auto rename = [&](const std::string& name) -> const std::string& {
    auto [at, is_new] = names.renamed.emplace(name, std::string());
    if (is_new) at->second = new_name(call.prefix, name);
    return at->second;
  };
  const std::size_t named =
      graph.initializers.size() + graph.sparse_initializers.size() + graph.inputs.size();
  spend(bytes_of_values(graph) + named * 3 * call.prefix.size(), call.node);
  Graph result = {graph.name, {}, graph.initializers, graph.sparse_initializers, graph.inputs,
                  {},         {}, graph.offset};
  for (ValueInfo& input : result.inputs) input.name = rename(input.name);
  for (Tensor& tensor : result.initializers) tensor.name = rename(tensor.name);
  for (SparseTensor& tensor : result.sparse_initializers) tensor.values.name = rename(tensor.values.name);
  for (const Node& node : graph.nodes) result.nodes.push_back(copy(node, names, call));
  for (const ValueInfo& output : graph.outputs) {
    const std::string* renamed = names.find(output.name);
    CHECK(renamed != nullptr);
    if (renamed->empty())
      fail("a graph's output " + printable(output.name) + " is an input that was not given", call.node);
    result.outputs.push_back({*renamed, output.type});
  }
  return result;
}

}  // namespace

Model expand_functions(Model model) {
  if (model.functions.empty()) return model;
  Expander(model).expand(model.graph, 1, 0);
  model.functions.clear();
  return model;
}

}  // namespace lathe::onnx
