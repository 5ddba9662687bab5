#include "passes/row_steps.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "graph/fused_program_text.h"
#include "passes/constants.h"
#include "passes/program_function.h"

namespace lathe {
namespace {

bool is_quantize(const RowStep& step) { return step.function == FusedFunction::quantize; }
bool is_store(const RowStep& step) { return step.function == FusedFunction::store; }

struct OperandFunction {
  std::string_view op;
  FusedFunction function;
};

/// Ops whose inputs are the function's operands.
constexpr std::array kOperandFunctions = {
    OperandFunction{"Add", FusedFunction::add},
    OperandFunction{"Div", FusedFunction::div},
    OperandFunction{"LayerNormalization", FusedFunction::layer},
    OperandFunction{"Max", FusedFunction::max},
    OperandFunction{"Min", FusedFunction::min},
    OperandFunction{"Mul", FusedFunction::mul},
    OperandFunction{"QuantizeActivation", FusedFunction::quantize},
    OperandFunction{"RMSNormalization", FusedFunction::rms},
    OperandFunction{"Sub", FusedFunction::sub},
};

/// The node as one step; empty where it is none.
std::optional<RowStep> step_of(const Graph& graph, const Node& node) {
  const auto* row = std::ranges::find(kOperandFunctions, node.op->name, &OperandFunction::op);
  if (row != kOperandFunctions.end()) {
    RowStep step{row->function, node.inputs, {}, node.outputs[0]};
    if (node.attributes.contains("epsilon")) step.constants[0] = static_cast<float>(node.real("epsilon"));
    return step;
  }
  // Pow is computed in double, where squares of floats are exact.
  if (node.op->name == "Pow" && scalar_constant(graph, node.inputs[1]) == 2.0)
    return RowStep{FusedFunction::mul, {node.inputs[0], node.inputs[0]}, {}, node.outputs[0]};
  const auto function = program_function(graph, node);
  if (!function) return std::nullopt;
  return RowStep{function->function,
                 {node.inputs[0]},
                 {function->constants[0], function->constants[1]},
                 node.outputs[0]};
}

/// The steps of a RowProgram, whose temporaries get names of the graph where they are outputs.
class Unfolding {
 public:
  Unfolding(const Node& node, ValueId& next_unnamed)
      : node_(node), program_(parse_fused_program(node.text("program"))), next_unnamed_(next_unnamed) {}

  std::vector<RowStep> run() {
    for (int i = 0; i < program_.count; ++i) add(program_.instructions[i]);
    return std::move(steps_);
  }

 private:
  ValueId value_of(const FusedOperand& operand) const {
    const auto index = static_cast<std::size_t>(operand.index);
    return operand.place == FusedPlace::input ? node_.inputs[index] : temporaries_[index];
  }

  void rename(ValueId from, ValueId to) {
    std::ranges::replace(temporaries_, from, to);
    for (auto& step : steps_) {
      std::ranges::replace(step.operands, from, to);
      if (step.result == from) step.result = to;
    }
  }

  void add(const FusedInstruction& instruction) {
    RowStep step{
        instruction.function, {}, {instruction.constants[0], instruction.constants[1]}, next_unnamed_};
    for (const auto& operand : instruction.operands)
      if (operand.place != FusedPlace::none) step.operands.push_back(value_of(operand));
    if (is_store(step) && step.operands[0] < 0)
      return rename(step.operands[0], node_.outputs[static_cast<std::size_t>(instruction.result)]);
    if (is_store(step) || is_quantize(step)) {
      step.result = node_.outputs[static_cast<std::size_t>(instruction.result)];
    } else {
      temporaries_[static_cast<std::size_t>(instruction.result)] = step.result;
      --next_unnamed_;
    }
    steps_.push_back(std::move(step));
  }

  const Node& node_;
  FusedProgram program_;
  ValueId& next_unnamed_;
  std::array<ValueId, kMaxFusedTemporaries> temporaries_{};
  std::vector<RowStep> steps_;
};

/// Text of the steps that are needed, in their order.
class Writer {
 public:
  Writer(const Graph& graph, std::vector<RowStep> steps, const std::function<bool(ValueId)>& needed)
      : graph_(graph) {
    std::vector<RowStep> kept;  // last first
    for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
      const bool output = step->result >= 0 && needed(step->result);
      if (!output && !uses_.contains(step->result)) continue;
      if (output) outputs_.insert(step->result);
      for (const auto id : step->operands) ++uses_[id];
      kept.push_back(std::move(*step));
    }
    std::ranges::reverse(kept);
    steps_ = std::move(kept);
  }

  std::optional<RowProgramParts> run() {
    if (outputs_.empty() || !name_inputs() || too_large()) return std::nullopt;
    for (std::size_t i = 0; i < steps_.size(); ++i) write(i);
    return std::move(parts_);
  }

 private:
  bool is_output(const RowStep& step) const { return outputs_.contains(step.result); }

  /// x0 is the first operand that has the shape of the rows, which every result has.
  bool name_inputs() {
    const auto& rows = graph_.value(first_output()).type.dims;
    std::vector<ValueId> results;
    for (const auto& step : steps_) {
      for (const auto id : step.operands)
        if (std::ranges::find(results, id) == results.end() &&
            std::ranges::find(parts_.inputs, id) == parts_.inputs.end())
          parts_.inputs.push_back(id);
      results.push_back(step.result);
    }
    const auto whole =
        std::ranges::find_if(parts_.inputs, [&](ValueId id) { return graph_.value(id).type.dims == rows; });
    if (whole == parts_.inputs.end()) return false;
    std::rotate(parts_.inputs.begin(), whole, whole + 1);
    for (std::size_t i = 0; i < parts_.inputs.size(); ++i) names_[parts_.inputs[i]] = "x" + std::to_string(i);
    return true;
  }

  ValueId first_output() const {
    return std::ranges::find_if(steps_, [&](const RowStep& step) { return is_output(step); })->result;
  }

  bool too_large() const {
    const auto instructions =
        steps_.size() + static_cast<std::size_t>(std::ranges::count_if(steps_, [&](const RowStep& step) {
          return is_output(step) && !is_quantize(step) && !is_store(step);
        }));
    return instructions > kMaxFusedInstructions || parts_.inputs.size() > kMaxFusedInputs ||
           outputs_.size() > kMaxFusedOutputs || most_alive() > kMaxFusedTemporaries;
  }

  /// The greatest number of results that are kept at once.
  std::ptrdiff_t most_alive() const {
    std::map<ValueId, std::size_t> last_use;
    for (std::size_t i = 0; i < steps_.size(); ++i)
      for (const auto id : steps_[i].operands) last_use[id] = i;
    std::ptrdiff_t most = 0;
    for (std::size_t i = 0; i < steps_.size(); ++i)
      most = std::max(most, 1 + std::count_if(steps_.begin(), steps_.begin() + static_cast<std::ptrdiff_t>(i),
                                              [&](const RowStep& step) {
                                                const auto use = last_use.find(step.result);
                                                return use != last_use.end() && use->second > i;
                                              }));
    return most;
  }

  std::string expression(const RowStep& step) {
    if (is_store(step)) return names_.at(step.operands[0]);
    std::string operands;
    for (const auto id : step.operands) operands += (operands.empty() ? "" : ", ") + names_.at(id);
    return program_call(step.function, operands, step.constants);
  }

  /// What the next step alone reads is written where it is read, so that the order stays.
  bool is_inlined(std::size_t index) const {
    const RowStep& step = steps_[index];
    if (is_output(step) || uses_.at(step.result) != 1 || index + 1 == steps_.size()) return false;
    return std::ranges::find(steps_[index + 1].operands, step.result) != steps_[index + 1].operands.end();
  }

  void write(std::size_t index) {
    const RowStep& step = steps_[index];
    if (is_inlined(index)) {
      names_[step.result] = expression(step);
      return;
    }
    const std::string text = expression(step);
    const std::string name =
        is_output(step) ? "o" + std::to_string(parts_.outputs.size()) : "t" + std::to_string(temporaries_++);
    if (is_output(step)) parts_.outputs.push_back(step.result);
    names_[step.result] = name;
    parts_.program += (parts_.program.empty() ? "" : "; ") + name + " = " + text;
  }

  const Graph& graph_;
  std::vector<RowStep> steps_;
  std::map<ValueId, std::size_t> uses_;  // by steps
  std::set<ValueId> outputs_;
  std::map<ValueId, std::string> names_;
  int temporaries_ = 0;
  RowProgramParts parts_;
};

}  // namespace

std::vector<RowStep> row_steps(const Graph& graph, const Node& node, ValueId& next_unnamed) {
  if (node.op->name == "RowProgram") return Unfolding(node, next_unnamed).run();
  const auto step = step_of(graph, node);
  if (!step) return {};
  const auto& rows = graph.value(node.outputs[0]).type.dims;
  for (const auto id : step->operands)
    if (graph.value(id).type.dtype != Dtype::f32 || !fits_rows(rows, graph.value(id).type.dims)) return {};
  return {*step};
}

std::optional<RowProgramParts> row_program(const Graph& graph, std::vector<RowStep> steps,
                                           const std::function<bool(ValueId)>& needed) {
  return Writer(graph, std::move(steps), needed).run();
}

}  // namespace lathe
