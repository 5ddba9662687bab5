// The graph's contract, executable. Run behind every pass: what it throws is a defect of the stage that it
// names.
#include <cmath>
#include <unordered_set>

#include "base/error.h"
#include "graph/graph.h"
#include "graph/infer.h"

namespace lathe {
namespace {

constexpr std::int64_t kUndefined = -1;

class Verifier {
 public:
  Verifier(const Graph& graph, std::string_view stage) : graph_(graph), stage_(stage) {}

  void run() {
    check_values();
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) check_node(graph_.nodes[i], i);
    check_outputs();
  }

 private:
  [[noreturn]] void fail(const std::string& message) const {
    throw Error(ErrorCode::internal,
                "graph " + printable(graph_.name) + " behind " + printable(stage_) + ": " + place_ + message);
  }

  void require(bool holds, const std::string& message) const {
    if (!holds) fail(message);
  }

  std::string described(ValueId id) const { return "value " + printable(graph_.value(id).name); }

  void check_values() {
    std::unordered_set<std::string_view> names;
    for (const auto& value : graph_.values) {
      place_ = "value " + printable(value.name) + ": ";
      require(!value.name.empty(), "has no name");
      require(names.insert(value.name).second, "its name is taken");
      const auto problem = type_problem(value.type);
      require(problem.empty(), problem);
      const bool constant = value.kind == ValueKind::constant;
      if (constant) {
        const auto& shape = value.data.shape;
        require(value.type == ValueType{value.data.dtype, {shape.begin(), shape.end()}},
                "the constant's data is not " + to_string(value.type));
      } else {
        require(value.data.data == nullptr, "has data, and is no constant");
      }
    }
    defined_.assign(graph_.values.size(), false);
    state_of_.assign(graph_.values.size(), kUndefined);
    version_.assign(graph_.values.size(), 0);
    current_version_.assign(graph_.values.size(), 0);
    for (std::size_t i = 0; i < graph_.values.size(); ++i) {
      defined_[i] = graph_.values[i].kind != ValueKind::computed;
      if (graph_.values[i].kind == ValueKind::state) state_of_[i] = static_cast<std::int64_t>(i);
    }
  }

  void require_usable(ValueId id) const {
    require(id >= 0 && static_cast<std::size_t>(id) < graph_.values.size(),
            "value number " + std::to_string(id) + " is out of range");
    const auto i = static_cast<std::size_t>(id);
    require(defined_[i], described(id) + " is used before it is defined");
    require(
        state_of_[i] == kUndefined || version_[i] == current_version_[static_cast<std::size_t>(state_of_[i])],
        described(id) + " is used after the state was written again");
  }

  void check_node(const Node& node, std::size_t index) {
    place_ = "node " + std::to_string(index) + (node.name.empty() ? "" : " " + printable(node.name)) + ": ";
    require(node.op != nullptr && find_op(node.op->name) == node.op, "its op is not a row of the table");
    place_ += std::string(node.op->name) + ": ";
    require(node.name.empty() || node_names_.insert(node.name).second, "its name is taken");
    const auto inputs = static_cast<int>(node.inputs.size());
    require(inputs >= node.op->min_inputs && inputs <= node.op->max_inputs, "wrong number of inputs");
    require(node.op->outputs == kAnyOutputs || static_cast<int>(node.outputs.size()) == node.op->outputs,
            "wrong number of outputs");
    for (const auto id : node.inputs) require_usable(id);
    check_attributes(node);
    for (const auto& body : node.bodies) {
      require(body != nullptr, "it lacks a graph");
      verify(*body, stage_);
    }
    check_types(node);
    check_effect(node);
  }

  void check_attributes(const Node& node) const {
    try {
      require(complete_attributes(*node.op, node.attributes).size() == node.attributes.size(),
              "its attributes are not complete");
    } catch (const Error& error) {
      if (error.code() == ErrorCode::internal) throw;
      fail(error.what());
    }
  }

  void check_types(const Node& node) {
    std::vector<ValueType> types;
    try {
      types = infer_types(graph_, node);
    } catch (const Error& error) {
      fail(error.what());
    }
    require(types.size() == node.outputs.size(), "wrong number of outputs");
    for (std::size_t i = 0; i < node.outputs.size(); ++i) {
      const auto id = node.outputs[i];
      require(id >= 0 && static_cast<std::size_t>(id) < graph_.values.size(),
              "output number " + std::to_string(id) + " is out of range");
      const auto& value = graph_.value(id);
      require(value.kind == ValueKind::computed, described(id) + " is an output, and not a computed value");
      require(!defined_[static_cast<std::size_t>(id)], described(id) + " is defined twice");
      require(is_compatible(value.type, types[i]),
              described(id) + " is " + to_string(value.type) + ", and its op gives " + to_string(types[i]));
      defined_[static_cast<std::size_t>(id)] = true;
    }
  }

  /// Views and writers hand their input's state on; a writer makes a new version of it, which alone counts
  /// from then.
  void check_effect(const Node& node) {
    if (node.op->aliases_input < 0) return;
    const auto source =
        static_cast<std::size_t>(node.inputs[static_cast<std::size_t>(node.op->aliases_input)]);
    const auto result = static_cast<std::size_t>(node.outputs[0]);
    const auto state = state_of_[source];
    if (!node.op->pure) {
      require(state != kUndefined,
              "it changes " + described(static_cast<ValueId>(source)) + ", which is no state");
      ++current_version_[static_cast<std::size_t>(state)];
    }
    if (state == kUndefined) return;
    state_of_[result] = state;
    version_[result] = current_version_[static_cast<std::size_t>(state)];
  }

  void check_outputs() {
    place_ = "outputs: ";
    require(graph_.outputs.size() == graph_.output_names.size(), "not one name for each");
    std::unordered_set<std::string_view> names;
    for (std::size_t i = 0; i < graph_.outputs.size(); ++i) {
      place_ = "output " + printable(graph_.output_names[i]) + ": ";
      require(!graph_.output_names[i].empty(), "has no name");
      require(names.insert(graph_.output_names[i]).second, "its name is taken");
      require_usable(graph_.outputs[i]);
    }
  }

  const Graph& graph_;
  std::string stage_;
  std::string place_;  // of what is being checked, for the message
  std::unordered_set<std::string_view> node_names_;
  std::vector<bool> defined_;
  std::vector<std::int64_t> state_of_;         // the state whose bytes a value is; kUndefined: none
  std::vector<std::int64_t> version_;          // how often that state had been written
  std::vector<std::int64_t> current_version_;  // of each state, as of the node being checked
};

}  // namespace

void verify(const Graph& graph, std::string_view stage) { Verifier(graph, stage).run(); }

}  // namespace lathe
