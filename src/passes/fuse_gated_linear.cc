// Mul(Swish(Linear(x, gate)), Linear(x, up)) -> FusedLinear, on float32 or 8-bit codes, with biases and with
// any activation function, on either side; and the QuantizeActivation behind it, where nothing else reads the
// result. Bit-equal: the same operations on the same numbers.
//
// The two products of a feed-forward block are the widest values of a model. Here they live for one tile in
// the cache, and in prefill a quarter of their bytes is written: codes instead of float32.
#include <algorithm>
#include <array>
#include <utility>

#include "passes/linear_program.h"
#include "passes/pass.h"
#include "passes/program_function.h"

namespace lathe {
namespace {

class Fusion {
 public:
  explicit Fusion(Graph& graph) : graph_(graph), uses_(graph), gone_(graph.nodes.size(), false) {}

  bool run() {
    bool changed = false;
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) changed |= fuse(i);
    if (changed) erase_nodes(graph_, gone_);
    return changed;
  }

 private:
  struct Gated {
    LinearProgram program;
    ValueId activation = -1;
    bool has_function = false;
    std::vector<std::size_t> absorbed;
  };

  /// The node that computes `id` for one reader alone, or nullptr.
  const Node* producer(ValueId id) const {
    const auto index = uses_.producer(id);
    return index < 0 || uses_.only_reader(id) < 0 ? nullptr : &graph_.nodes[static_cast<std::size_t>(index)];
  }

  /// `id` as an expression over a product, a bias and functions; empty where it is something else.
  std::string expression(ValueId id, Gated& gated) const {
    const Node* node = producer(id);
    if (node == nullptr) return {};
    gated.absorbed.push_back(static_cast<std::size_t>(node - graph_.nodes.data()));
    if (const auto function = program_function(graph_, *node)) {
      gated.has_function = true;
      const auto inner = expression(node->inputs[0], gated);
      return inner.empty() ? inner : program_call(*function, inner);
    }
    if (node->op->name == "Add") {
      if (!is_broadcast(graph_.value(node->inputs[1]).type, graph_.value(id).type)) return {};
      const auto inner = expression(node->inputs[0], gated);
      return inner.empty() ? inner : "add(" + inner + ", " + gated.program.add_input(node->inputs[1]) + ")";
    }
    const auto product = LinearProgram::of(*node);
    if (!product || node->op->name == "FusedLinear") return {};
    if (gated.activation >= 0 && gated.activation != node->inputs[0]) return {};
    gated.activation = node->inputs[0];
    gated.program.weights.push_back(product->weights[0]);
    return "w" + std::to_string(gated.program.weights.size() - 1);
  }

  bool fuse(std::size_t index) {
    Node& mul = graph_.nodes[index];
    if (mul.op->name != "Mul") return false;
    Gated gated;
    std::array<std::string, 2> sides;
    for (std::size_t side = 0; side < 2; ++side) {
      sides[side] = expression(mul.inputs[side], gated);
      if (sides[side].empty()) return false;
    }
    if (!gated.has_function || gated.program.weights.size() != 2) return false;
    std::string result = "mul(" + sides[0] + ", " + sides[1] + ")";
    std::size_t last = index;
    const auto reader = uses_.only_reader(mul.outputs[0]);
    if (reader >= 0 && graph_.nodes[static_cast<std::size_t>(reader)].op->name == "QuantizeActivation") {
      last = static_cast<std::size_t>(reader);
      const auto& quantize = graph_.nodes[last];
      const bool marked = quantize.inputs.size() > 1;
      const std::string marks = marked ? ", " + gated.program.add_input(quantize.inputs[1]) : "";
      result = "quantize(" + result + marks + ")";
      gone_[index] = true;
    }
    gated.program.set_expression(result);
    std::ranges::sort(gated.absorbed);
    std::string name;
    for (const auto node : gated.absorbed) {
      name = joined_names(name, graph_.nodes[node].name);
      gone_[node] = true;
    }
    name = joined_names(name, mul.name);
    Node& place = graph_.nodes[last];
    place = gated.program.node(std::move(name), gated.activation, std::move(place.outputs));
    return true;
  }

  Graph& graph_;
  const Uses uses_;
  std::vector<bool> gone_;
};

}  // namespace

bool fuse_gated_linear(Graph& graph, const PassContext&) { return Fusion(graph).run(); }

}  // namespace lathe
