// What is computed of a matrix product's elements alone goes into the product's node. Bit-equal: the same
// operations on the same numbers, operands in their order.
//
// fuse_epilogues: biases, activation functions and scales behind a Linear or QuantizedLinear, and the
// QuantizeActivation that alone reads what comes of it.
// fuse_residuals: Add(x, product). The sum is written once and the product never; the normalization behind
// has one value to read instead of two.
#include <utility>

#include "passes/linear_program.h"
#include "passes/pass.h"
#include "passes/program_function.h"

namespace lathe {
namespace {

class Fusion {
 public:
  Fusion(Graph& graph, bool residuals)
      : graph_(graph),
        uses_(graph),
        residuals_(residuals),
        gone_(graph.nodes.size(), false),
        grown_(graph.nodes.size(), false) {}

  bool run() {
    bool changed = false;
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) changed |= !gone_[i] && !grown_[i] && grow(i);
    if (changed) erase_nodes(graph_, gone_);
    return changed;
  }

 private:
  /// A product behind node `index` that nothing but the sum reads: the sum is left to that one.
  bool takes_the_sum(ValueId id, std::size_t index) const {
    const auto producer = uses_.producer(id);
    if (producer < static_cast<std::ptrdiff_t>(index) || uses_.only_reader(id) < 0) return false;
    if (grown_[static_cast<std::size_t>(producer)]) return false;
    const auto program = LinearProgram::of(graph_.nodes[static_cast<std::size_t>(producer)]);
    return program && !program->expression().empty();
  }

  /// Add or Mul with an operand that the pass takes.
  bool absorb_binary(std::size_t index, const Node& node, ValueId value, LinearProgram& program) const {
    const bool first = node.inputs[0] == value;
    const ValueId other = node.inputs[first ? 1 : 0];
    const auto& type = graph_.value(value).type;
    const auto& operand = graph_.value(other).type;
    const bool adds = node.op->name == "Add";
    if (graph_.value(node.outputs[0]).type != type) return false;
    const bool takes = residuals_ ? adds && operand == type && !takes_the_sum(other, index)
                                  : first && is_broadcast(operand, type);
    if (!takes) return false;
    const std::string self(program.expression());
    const std::string name = program.add_input(other);
    program.set_expression(std::string(adds ? "add(" : "mul(") + (first ? self : name) + ", " +
                           (first ? name : self) + ")");
    return true;
  }

  /// Makes `node` a part of the program of node `index`; false where it is none.
  bool absorb(std::size_t index, const Node& node, ValueId value, LinearProgram& program) const {
    if (node.op->name == "Add" || node.op->name == "Mul") return absorb_binary(index, node, value, program);
    if (residuals_) return false;
    const std::string self(program.expression());
    if (node.op->name == "QuantizeActivation") {
      const std::string marks = node.inputs.size() > 1 ? ", " + program.add_input(node.inputs[1]) : "";
      program.set_expression("quantize(" + self + marks + ")");
      return true;
    }
    const auto function = program_function(graph_, node);
    if (!function || node.inputs[0] != value) return false;
    program.set_expression(program_call(*function, self));
    return true;
  }

  bool grow(std::size_t index) {
    const Node& node = graph_.nodes[index];
    auto program = LinearProgram::of(node);
    if (!program || program->expression().empty()) return false;
    ValueId value = node.outputs[0];
    std::string name = node.name;
    std::ptrdiff_t last = -1;
    while (!program->expression().empty()) {
      const auto reader = uses_.only_reader(value);
      if (reader < 0 || gone_[static_cast<std::size_t>(reader)]) break;
      LinearProgram grown = *program;
      const Node& next = graph_.nodes[static_cast<std::size_t>(reader)];
      if (!absorb(index, next, value, grown) || !grown.fits()) break;
      if (last >= 0) gone_[static_cast<std::size_t>(last)] = true;
      program = std::move(grown);
      last = reader;
      value = next.outputs[0];
      if (next.op->name != "QuantizeActivation") name = joined_names(name, next.name);
    }
    if (last < 0) return false;
    Node& place = graph_.nodes[static_cast<std::size_t>(last)];
    place = program->node(std::move(name), node.inputs[0], std::move(place.outputs));
    gone_[index] = true;
    grown_[static_cast<std::size_t>(last)] = true;
    return true;
  }

  Graph& graph_;
  const Uses uses_;
  const bool residuals_;
  std::vector<bool> gone_;
  std::vector<bool> grown_;  // what products have become here
};

}  // namespace

bool fuse_epilogues(Graph& graph, const PassContext&) { return Fusion(graph, false).run(); }

bool fuse_residuals(Graph& graph, const PassContext&) { return Fusion(graph, true).run(); }

}  // namespace lathe
