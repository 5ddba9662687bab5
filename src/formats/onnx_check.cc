#include "formats/onnx_check.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "base/error.h"

namespace lathe::onnx {
namespace {

/// Names that a graph's nodes can read: its own, and those of the graphs around it.
struct Scope {
  std::unordered_set<std::string_view> names;
  const Scope* outer = nullptr;

  bool has(std::string_view name) const {
    for (const Scope* scope = this; scope != nullptr; scope = scope->outer)
      if (scope->names.contains(name)) return true;
    return false;
  }
};

class Checker {
 public:
  Checker(const Model& model, const FunctionIndex& functions) : model_(model), functions_(functions) {}

  void check_versions() const;
  void check_imports(const std::vector<OpsetImport>& imports) const;
  void check_graph(Graph& graph, const Scope* outer) const;
  void check_main_inputs() const;
  void check_function(Function& function);

 private:
  [[noreturn]] void fail(const std::string& message, std::uint64_t offset, const std::string& field,
                         ErrorCode code = ErrorCode::invalid_file) const {
    throw Error(code, message, {model_.file, offset, printable(field)});
  }

  void check_nodes(std::vector<Node>& nodes, Scope& scope) const;
  void check_attributes(Node& node, const Scope& scope) const;
  std::int64_t find_opset(const Node& node) const;
  [[noreturn]] void fail_undefined(const std::vector<Node>& nodes, const Node& node,
                                   const std::string& input) const;

  const Model& model_;
  const FunctionIndex& functions_;
  const Function* function_ = nullptr;  // whose body is checked
};

void Checker::check_versions() const {
  if (model_.ir_version < kFirstIrVersion || model_.ir_version > kLastIrVersion)
    fail("IR version " + std::to_string(model_.ir_version) + " is not supported; " +
             std::to_string(kFirstIrVersion) + " to " + std::to_string(kLastIrVersion) + " are",
         0, "ir_version", ErrorCode::unsupported);
  if (model_.opset_imports.empty()) fail("the network imports no opset", 0, "opset_import");
  check_imports(model_.opset_imports);
}

void Checker::check_imports(const std::vector<OpsetImport>& imports) const {
  for (const OpsetImport& import : imports)
    if (import.domain.empty() && import.version > kLastOpset)
      fail("opset " + std::to_string(import.version) + " is not supported; 1 to " +
               std::to_string(kLastOpset) + " are",
           0, "opset_import", ErrorCode::unsupported);
}

void Checker::check_main_inputs() const {
  for (const ValueInfo& input : model_.graph.inputs) {
    const bool typed = input.type.kind != TypeKind::none &&
                       (input.type.kind != TypeKind::tensor || input.type.data_type != DataType::undefined);
    if (!typed) fail("the input " + printable(input.name) + " has no type", model_.graph.offset, input.name);
  }
  std::unordered_set<std::string_view> outputs;
  for (const ValueInfo& output : model_.graph.outputs)
    if (!outputs.insert(output.name).second)
      fail("the output " + printable(output.name) + " occurs twice", model_.graph.offset, output.name);
}

void Checker::check_graph(Graph& graph, const Scope* outer) const {
  Scope scope{{}, outer};
  const auto check_name = [&](const std::string& name, std::uint64_t offset, bool is_new, const char* what) {
    if (name.empty()) fail(std::string("an ") + what + " of the graph has no name", offset, graph.name);
    if (!is_new) fail(std::string("the ") + what + " " + printable(name) + " occurs twice", offset, name);
  };
  for (const ValueInfo& input : graph.inputs)
    check_name(input.name, graph.offset, scope.names.insert(input.name).second, "input");
  std::unordered_set<std::string_view> initializers;
  const auto check_initializer = [&](const Tensor& tensor) {
    check_name(tensor.name, tensor.offset, initializers.insert(tensor.name).second, "initializer");
  };
  for (const Tensor& tensor : graph.initializers) check_initializer(tensor);
  for (const SparseTensor& tensor : graph.sparse_initializers) check_initializer(tensor.values);
  scope.names.insert(initializers.begin(), initializers.end());
  check_nodes(graph.nodes, scope);
  for (const ValueInfo& output : graph.outputs) {
    check_name(output.name, graph.offset, true, "output");
    if (!scope.has(output.name))
      fail("nothing writes the graph's output " + printable(output.name), graph.offset, output.name);
  }
}

void Checker::check_nodes(std::vector<Node>& nodes, Scope& scope) const {
  for (Node& node : nodes) {
    if (node.op_type.empty()) fail("a node has no op_type", node.offset, node_label(node));
    node.opset = find_opset(node);
    for (const std::string& input : node.inputs)
      if (!input.empty() && !scope.has(input)) fail_undefined(nodes, node, input);
    check_attributes(node, scope);
    for (const std::string& output : node.outputs)
      if (!output.empty() && !scope.names.insert(output).second)
        fail("the node " + printable(node_label(node)) + " writes " + printable(output) +
                 ", which is there already",
             node.offset, node_label(node));
  }
}

void Checker::check_attributes(Node& node, const Scope& scope) const {
  std::unordered_set<std::string_view> names;
  for (Attribute& attribute : node.attributes) {
    const auto refuse = [&](const std::string& message) {
      fail("the attribute " + printable(attribute.name) + " of the node " + printable(node_label(node)) +
               message,
           attribute.offset, node_label(node));
    };
    if (!names.insert(attribute.name).second) refuse(" occurs twice");
    for (Graph& graph : attribute.graphs) check_graph(graph, &scope);
    if (attribute.ref_attr_name.empty()) continue;
    if (function_ == nullptr) refuse(" refers to an attribute of a function, and is in none");
    const auto& required = function_->attributes;
    const auto& defaults = function_->default_attributes;
    const bool found =
        std::find(required.begin(), required.end(), attribute.ref_attr_name) != required.end() ||
        std::any_of(defaults.begin(), defaults.end(),
                    [&](const Attribute& value) { return value.name == attribute.ref_attr_name; });
    if (!found)
      refuse(" refers to " + printable(attribute.ref_attr_name) + ", which the function does not have");
  }
}

std::int64_t Checker::find_opset(const Node& node) const {
  const auto& imports = function_ == nullptr ? model_.opset_imports : function_->opset_imports;
  for (const OpsetImport& import : imports)
    if (import.domain == node.domain) return import.version;
  if (functions_.find(node) != nullptr) return 0;
  fail("the node " + printable(node_label(node)) + " is of the domain '" + printable(node.domain) +
           "', which is not imported",
       node.offset, node_label(node));
}

void Checker::fail_undefined(const std::vector<Node>& nodes, const Node& node,
                             const std::string& input) const {
  const bool later = std::any_of(nodes.begin(), nodes.end(), [&](const Node& other) {
    return std::find(other.outputs.begin(), other.outputs.end(), input) != other.outputs.end();
  });
  fail("the node " + printable(node_label(node)) + " reads " + printable(input) +
           (later ? ", which no node before it writes: the nodes are out of order or form a cycle"
                  : ", which nothing writes"),
       node.offset, node_label(node));
}

void Checker::check_function(Function& function) {
  const auto fail_here = [&](const std::string& message) {
    fail("the function " + printable(function.name) + message, function.offset, function.name);
  };
  if (function.name.empty()) fail_here(" has no name");
  check_imports(function.opset_imports);
  Scope scope;
  for (const std::string& input : function.inputs)
    if (input.empty() || !scope.names.insert(input).second) fail_here(" has an input twice or without name");
  std::unordered_set<std::string_view> attributes;
  for (const std::string& attribute : function.attributes)
    if (!attributes.insert(attribute).second)
      fail_here(" has the attribute " + printable(attribute) + " twice");
  for (const Attribute& attribute : function.default_attributes) {
    if (!attributes.insert(attribute.name).second)
      fail_here(" has the attribute " + printable(attribute.name) + " twice");
    if (!attribute.ref_attr_name.empty()) fail_here(" has a default that refers to another attribute");
    if (!attribute.graphs.empty()) fail_here(" has a graph as an attribute's default");
  }
  function_ = &function;
  check_nodes(function.nodes, scope);
  function_ = nullptr;
  for (const std::string& output : function.outputs)
    if (!scope.names.contains(output)) fail_here(" does not write its output " + printable(output));
}

/// Calls take(node) for each node, and for those of subgraphs.
template <class Take>
void each_node(const std::vector<Node>& nodes, const Take& take) {
  for (const Node& node : nodes) {
    take(node);
    for (const Attribute& attribute : node.attributes)
      for (const Graph& graph : attribute.graphs) each_node(graph.nodes, take);
  }
}

/// Takes away functions that call none that is left; what stays calls itself, directly or through others.
void refuse_recursion(const Model& model, const FunctionIndex& functions) {
  std::unordered_map<const Function*, std::vector<const Function*>> callers;
  std::unordered_map<const Function*, std::size_t> calls;
  std::vector<const Function*> free;
  for (const Function& function : model.functions) {
    std::unordered_set<const Function*> called;
    each_node(function.nodes, [&](const Node& node) {
      const Function* callee = functions.find(node);
      if (callee != nullptr && called.insert(callee).second) callers[callee].push_back(&function);
    });
    calls[&function] = called.size();
    if (called.empty()) free.push_back(&function);
  }
  while (!free.empty()) {
    const Function* function = free.back();
    free.pop_back();
    calls.erase(function);
    for (const Function* caller : callers[function])
      if (--calls[caller] == 0) free.push_back(caller);
  }
  for (const Function& function : model.functions)
    if (calls.contains(&function))
      throw Error(ErrorCode::invalid_file,
                  "the function " + printable(function.name) + " calls itself, or one that does",
                  {model.file, function.offset, printable(function.name)});
}

}  // namespace

FunctionIndex::FunctionIndex(const Model& model) {
  for (const Function& function : model.functions) {
    const auto key = std::make_tuple(std::string_view(function.domain), std::string_view(function.name),
                                     std::string_view(function.overload));
    if (!functions_.emplace(key, &function).second)
      throw Error(ErrorCode::invalid_file, "the function " + printable(function.name) + " occurs twice",
                  {model.file, function.offset, printable(function.name)});
  }
}

const Function* FunctionIndex::find(const Node& node) const {
  const auto found = functions_.find(
      {std::string_view(node.domain), std::string_view(node.op_type), std::string_view(node.overload)});
  return found == functions_.end() ? nullptr : found->second;
}

std::string node_label(const Node& node) {
  if (!node.name.empty()) return node.name;
  for (const std::string& output : node.outputs)
    if (!output.empty()) return node.op_type + " of " + output;
  return node.op_type;
}

void check_model(Model& model) {
  const FunctionIndex functions(model);
  Checker checker(model, functions);
  checker.check_versions();
  refuse_recursion(model, functions);
  for (Function& function : model.functions) checker.check_function(function);
  checker.check_main_inputs();
  checker.check_graph(model.graph, nullptr);
}

}  // namespace lathe::onnx
