// Conv(x, W, b) and what follows it element by element  ->  FusedConv, which computes it of each tile of the
// outputs while that is in the cache:
//   Relu, Clip, LeakyRelu, PRelu by a constant number, Sigmoid, Swish, Tanh, Gelu, HardSigmoid, HardSwish
//   Add, Mul, Max and Min with a tensor of the outputs' shape (a residual) or with one number
//
// As many as an epilogue holds, in their order. Of a sum of two convolutions the later one takes it.
// Then scales of channels in front of it (conv_prologues.h). Bit-equal: the same operations on the same
// numbers.
#include <algorithm>
#include <utility>

#include "graph/conv_epilogue.h"
#include "graph/fused_program_text.h"
#include "passes/conv_prologues.h"
#include "passes/linear_program.h"
#include "passes/pass.h"
#include "passes/program_function.h"
#include "passes/rewrite.h"

namespace lathe {
namespace {

/// A FusedConv before it is a node.
struct Epilogue {
  std::string text;
  double alpha = 0;
  double beta = 0;
  std::vector<ValueId> operands;

  bool fits() const { return conv_epilogue(text.c_str()).count > 0; }
  void append(std::string_view function) { text += (text.empty() ? "" : ", ") + std::string(function); }
};

class Fusion {
 public:
  explicit Fusion(Graph& graph)
      : graph_(graph), uses_(graph), gone_(graph.nodes.size(), false), grown_(graph.nodes.size(), false) {}

  bool run() {
    bool changed = false;
    for (std::size_t i = 0; i < gone_.size(); ++i) changed |= !gone_[i] && grow(i);
    if (changed) erase_nodes(graph_, gone_);
    return changed;
  }

 private:
  const ValueType& type(ValueId id) const { return graph_.value(id).type; }
  const Node& node(std::ptrdiff_t index) const { return graph_.nodes[static_cast<std::size_t>(index)]; }

  bool is_conv(const Node& candidate) const {
    return candidate.op->name == "Conv" && type(candidate.outputs[0]).dtype == Dtype::f32;
  }

  /// A convolution behind node `index` that nothing but the sum reads: the sum is left to that one.
  bool takes_the_sum(ValueId id, std::size_t index) const {
    const auto producer = uses_.producer(id);
    return producer > static_cast<std::ptrdiff_t>(index) && uses_.only_reader(id) >= 0 &&
           !grown_[static_cast<std::size_t>(producer)] && is_conv(node(producer));
  }

  bool is_number(ValueId id) const {
    const auto& operand = type(id);
    return operand.dtype == Dtype::f32 && operand.ranked &&
           std::ranges::all_of(operand.dims, [](const Dim& dim) { return dim == Dim(1); });
  }

  /// Max and Min are those of their first input where two are equal, or one is NaN.
  bool absorb_binary(std::size_t index, const Node& next, ValueId value, Epilogue& epilogue) const {
    const auto name = next.op->name;
    const bool commutes = name == "Add" || name == "Mul";
    if ((!commutes && name != "Max" && name != "Min") || next.inputs.size() != 2) return false;
    const bool first = next.inputs[0] == value;
    const ValueId operand = next.inputs[first ? 1 : 0];
    if ((!first && !commutes) || type(next.outputs[0]) != type(value)) return false;
    if (!is_number(operand) && (type(operand) != type(value) || takes_the_sum(operand, index))) return false;
    epilogue.append(name == "Add" ? "add" : name == "Mul" ? "mul" : name == "Max" ? "max" : "min");
    epilogue.operands.push_back(operand);
    return true;
  }

  /// Makes `next` a part of the epilogue; false where it is none.
  bool absorb(std::size_t index, const Node& next, ValueId value, Epilogue& epilogue) const {
    if (absorb_binary(index, next, value, epilogue)) return true;
    const auto name = next.op->name;
    const auto with = [&](std::string_view function, double alpha, double beta) {
      epilogue.append(function);
      epilogue.alpha = alpha;
      epilogue.beta = beta;
      return true;
    };
    if (name == "Clip") return with("clip", next.real("min"), next.real("max"));
    if (name == "LeakyRelu") return with("leaky_relu", next.real("alpha"), 0);
    if (name == "HardSigmoid") return with("hard_sigmoid", next.real("alpha"), next.real("beta"));
    const auto function = program_function(graph_, next);
    if (!function || next.inputs[0] != value) return false;
    if (name == "PRelu") return with("leaky_relu", static_cast<double>(function->constants[0]), 0);
    epilogue.append(fused_function_name(function->function));
    return true;
  }

  bool grow(std::size_t index) {
    const Node conv = graph_.nodes[index];
    if (!is_conv(conv)) return false;
    Epilogue epilogue;
    ValueId value = conv.outputs[0];
    std::string name = conv.name;
    std::ptrdiff_t last = -1;
    for (;;) {
      const auto reader = uses_.only_reader(value);
      if (reader < 0 || gone_[static_cast<std::size_t>(reader)]) break;
      Epilogue grown = epilogue;
      if (!absorb(index, node(reader), value, grown) || !grown.fits()) break;
      if (last >= 0) gone_[static_cast<std::size_t>(last)] = true;
      epilogue = std::move(grown);
      last = reader;
      value = node(reader).outputs[0];
      name = joined_names(name, node(reader).name);
    }
    if (last < 0) return false;
    Node& place = graph_.nodes[static_cast<std::size_t>(last)];
    place.op = find_op("FusedConv");
    place.name = std::move(name);
    place.inputs = conv.inputs;
    if (place.inputs.size() < 3) place.inputs.push_back(absent(graph_));
    place.inputs.insert(place.inputs.end(), epilogue.operands.begin(), epilogue.operands.end());
    place.attributes = conv.attributes;
    place.attributes["epilogue"] = epilogue.text;
    place.attributes["alpha"] = epilogue.alpha;
    place.attributes["beta"] = epilogue.beta;
    place.attributes["prologue"] = std::string();
    gone_[index] = true;
    grown_[static_cast<std::size_t>(last)] = true;
    return true;
  }

  Graph& graph_;
  const Uses uses_;
  std::vector<bool> gone_;
  std::vector<bool> grown_;  // what convolutions have become here
};

}  // namespace

bool fuse_conv_epilogues(Graph& graph, const PassContext&) {
  const bool changed = Fusion(graph).run();
  return fuse_conv_prologues(graph) || changed;
}

}  // namespace lathe
