// QuantizeLinear moves up and DequantizeLinear down, through what moves elements and keeps each as it is:
//   Move(DequantizeLinear(x))            ->  DequantizeLinear(Move(x))
//   QuantizeLinear(Move(x))              ->  Move(QuantizeLinear(x))
//   Relu(DequantizeLinear(x))            ->  DequantizeLinear(Max(x, zero)), or that of x if no code is below
//   QuantizeLinear(Relu(x))              ->  QuantizeLinear(x), where no code is below zero
//   QuantizeLinear(DequantizeLinear(x))  ->  x, of equal scales and zeros
//   QuantizeLinear(x), twice             ->  once, of equal scales and zeros
//
// Move is MaxPool, Pad with zeros, Concat (down where all inputs have equal scales and zeros), and the ops of
// kMoves. Codes are a quarter of the bytes, and products whose inputs and outputs are codes become one op
// (fuse_codes.cc). Scale and zero are those of a whole tensor (tensor_codes.h). A DequantizeLinear that
// others read stays for them.
//
// Bit-equal: rounding and scaling keep the order of numbers, and both meet each element alone.
#include <algorithm>
#include <array>
#include <cmath>

#include "graph/window.h"
#include "passes/constants.h"
#include "passes/pass.h"
#include "passes/rewrite.h"
#include "passes/tensor_codes.h"

namespace lathe {
namespace {

struct Move {
  std::string_view of_reals;
  std::string_view of_codes;
  bool drops;  // elements: a QuantizeLinear above has more to do
};

constexpr auto kMoves = std::to_array<Move>({
    {"Concat", "Concat", false},
    {"DepthToSpace", "DepthToSpace", false},
    {"Flatten", "Flatten", false},
    {"GatherAny", "GatherAny", true},
    {"MaxPool", "MaxPool", true},
    {"Pad", "Pad", false},
    {"Reshape", "Reshape", false},
    {"ReshapeAny", "ReshapeAny", false},
    {"Slice", "Slice", true},
    {"SpaceToDepth", "SpaceToDepth", false},
    {"Squeeze", "Squeeze", false},
    {"Transpose", "TransposeAny", false},
    {"TransposeAny", "TransposeAny", false},
    {"Unsqueeze", "Unsqueeze", false},
});

/// Whether each window of a MaxPool has an element: a window of padding alone gives minus infinity of reals,
/// and the least of codes.
bool windows_are_filled(const Node& node) {
  const auto auto_pad = auto_pad_of(node.text("auto_pad").c_str());
  const bool same = auto_pad == AutoPad::same_upper || auto_pad == AutoPad::same_lower;
  const WindowNumbers kernel = window_numbers(node.text("kernel_shape").c_str());
  const WindowNumbers pads = window_numbers(node.text("pads").c_str());
  const WindowNumbers dilations = window_numbers(node.text("dilations").c_str());
  for (int i = 0; i < 2 * kernel.count; ++i) {
    const std::int64_t pad = auto_pad == AutoPad::valid ? 0 : number_at(pads, i, 0);
    const int axis = i % kernel.count;
    if ((pad > 0 || same) && number_at(dilations, axis, 1) != 1) return false;
    if (pad >= kernel.values[axis]) return false;
  }
  return true;
}

/// Whether a Pad puts nothing but zeros and elements around the elements.
bool pads_with_zeros(const Graph& graph, const Node& node) {
  if (!node.text("mode").empty() && node.text("mode") != "constant") return true;
  if (node.inputs.size() < 3 || graph.value(node.inputs[2]).type.dtype == Dtype::none) return true;
  const auto number = scalar_constant(graph, node.inputs[2]);
  return number && *number == 0 && !std::signbit(*number);
}

/// How the node moves elements; nullptr where it does something else, or not that alone.
const Move* move_of(const Graph& graph, const Node& node) {
  const auto found = std::ranges::find(kMoves, node.op->name, &Move::of_reals);
  if (found == kMoves.end() || node.outputs.size() != 1) return nullptr;
  if (node.op->name == "Pad" && !pads_with_zeros(graph, node)) return nullptr;
  const auto& type = graph.value(node.outputs[0]).type;
  return type.dtype == Dtype::f32 && is_planned(type) ? &*found : nullptr;
}

/// How many of its inputs are what it moves.
std::size_t moved_inputs(const Node& node) { return node.op->name == "Concat" ? node.inputs.size() : 1; }

std::vector<ValueId> with_scale(ValueId x, const CodeScale& scale) {
  if (scale.zero == kNoValue) return {x, scale.scale};
  return {x, scale.scale, scale.zero};
}

/// One rewrite; `uses` describes the graph until then.
class Propagation {
 public:
  Propagation(Graph& graph, const Uses& uses) : graph_(graph), uses_(uses) {}

  bool rewrite(std::size_t position) {
    const Node node = graph_.nodes[position];
    if (node.op->name == "QuantizeLinear") {
      const auto scale = code_scale(graph_, node);
      return scale && (erase(position, node, *scale) || merge(position, node, *scale) ||
                       drop_relu(position, node, *scale) || move_up(position, node, *scale));
    }
    if (node.op->name == "Relu") return relu_of_codes(position, node);
    const Move* move = move_of(graph_, node);
    return move != nullptr && move_down(position, node, *move);
  }

 private:
  const Node* producer(ValueId id) const {
    const auto found = uses_.producer(id);
    return found < 0 ? nullptr : &graph_.nodes[static_cast<std::size_t>(found)];
  }

  /// The DequantizeLinear that makes the value, and its scale.
  std::optional<CodeScale> dequantized(ValueId id) const {
    const Node* node = producer(id);
    if (node == nullptr || node->op->name != "DequantizeLinear") return std::nullopt;
    return code_scale(graph_, *node);
  }

  bool is_read_by(ValueId id, std::size_t position) const {
    return uses_.only_reader(id) == static_cast<std::ptrdiff_t>(position);
  }

  bool erase(std::size_t position, const Node& quantize, const CodeScale& scale) {
    const auto before = dequantized(quantize.inputs[0]);
    return before && before->means_the_same(scale) &&
           stand_in(graph_, position, producer(quantize.inputs[0])->inputs[0]);
  }

  bool merge(std::size_t position, const Node& quantize, const CodeScale& scale) {
    for (const auto reader : uses_.readers(quantize.inputs[0])) {
      if (reader >= position) return false;
      const Node& other = graph_.nodes[reader];
      if (other.op != quantize.op) continue;
      const auto same = code_scale(graph_, other);
      if (same && same->means_the_same(scale) && stand_in(graph_, position, other.outputs[0])) return true;
    }
    return false;
  }

  bool drop_relu(std::size_t position, const Node& quantize, const CodeScale& scale) {
    const Node* relu = producer(quantize.inputs[0]);
    if (relu == nullptr || relu->op->name != "Relu" || !scale.starts_at_zero()) return false;
    if (!is_read_by(quantize.inputs[0], position)) return false;
    return replace_node(graph_, position,
                        {"QuantizeLinear", with_scale(relu->inputs[0], scale), quantize.attributes});
  }

  bool relu_of_codes(std::size_t position, const Node& relu) {
    const auto scale = dequantized(relu.inputs[0]);
    if (!scale) return false;
    const Node dequantize = *producer(relu.inputs[0]);
    if (scale->starts_at_zero()) return stand_in(graph_, position, relu.inputs[0]);
    const ValueId codes =
        insert_node(graph_, position, "Max", {dequantize.inputs[0], zero_of(graph_, *scale)}, {});
    return replace_node(graph_, position + 1,
                        {"DequantizeLinear", with_scale(codes, *scale), dequantize.attributes});
  }

  /// The node's inputs, with the zero as what a Pad puts around codes.
  std::vector<ValueId> inputs_of_codes(const Node& node, const CodeScale& scale) {
    auto inputs = node.inputs;
    if (node.op->name != "Pad") return inputs;
    inputs.resize(std::max<std::size_t>(inputs.size(), 3));
    inputs[2] = zero_of(graph_, scale);
    return inputs;
  }

  bool move_down(std::size_t position, const Node& node, const Move& move) {
    const auto scale = dequantized(node.inputs[0]);
    if (!scale || (node.op->name == "MaxPool" && !windows_are_filled(node))) return false;
    std::vector<ValueId> moved;
    for (std::size_t i = 0; i < moved_inputs(node); ++i) {
      const auto other = dequantized(node.inputs[i]);
      if (!other || !other->means_the_same(*scale)) return false;
      moved.push_back(producer(node.inputs[i])->inputs[0]);
      if (graph_.value(moved[i]).kind == ValueKind::constant) return false;  // a weight, computed ahead
    }
    auto inputs = inputs_of_codes(node, *scale);
    std::ranges::copy(moved, inputs.begin());
    const auto attributes = producer(node.inputs[0])->attributes;
    const ValueId codes = insert_node(graph_, position, move.of_codes, std::move(inputs), node.attributes);
    return replace_node(graph_, position + 1, {"DequantizeLinear", with_scale(codes, *scale), attributes});
  }

  /// Whether a product of codes makes the value, with sums and limits behind it: a QuantizeLinear there
  /// becomes part of it.
  bool comes_from_product(ValueId id, int most_nodes = 32) const {
    const Node* node = producer(id);
    if (node == nullptr || most_nodes == 0) return false;
    if (is_product(*node)) return comes_from_codes(graph_, uses_, node->inputs[0]);
    const auto name = node->op->name;
    if (name == "Relu" || name == "Clip" || std::ranges::find(kMoves, name, &Move::of_reals) != kMoves.end())
      return comes_from_product(node->inputs[0], most_nodes - 1);
    return name == "Add" && (comes_from_product(node->inputs[0], most_nodes / 2) ||
                             comes_from_product(node->inputs[1], most_nodes / 2));
  }

  bool move_up(std::size_t position, const Node& quantize, const CodeScale& scale) {
    const Node* found = producer(quantize.inputs[0]);
    const Move* move = found == nullptr ? nullptr : move_of(graph_, *found);
    if (move == nullptr || !is_read_by(quantize.inputs[0], position)) return false;
    const Node node = *found;
    if (move->drops && !comes_from_product(node.inputs[0])) return false;
    for (std::size_t i = 0; i < moved_inputs(node); ++i)
      if (!is_planned(graph_.value(node.inputs[i]).type)) return false;
    auto inputs = inputs_of_codes(node, scale);
    for (std::size_t i = 0; i < moved_inputs(node); ++i)
      inputs[i] = insert_node(graph_, position++, "QuantizeLinear", with_scale(inputs[i], scale),
                              quantize.attributes);
    return replace_node(graph_, position, {move->of_codes, std::move(inputs), node.attributes});
  }

  Graph& graph_;
  const Uses& uses_;
};

bool rewrite_once(Graph& graph) {
  const Uses uses(graph);
  Propagation propagation(graph, uses);
  for (std::size_t position = 0; position < graph.nodes.size(); ++position)
    if (propagation.rewrite(position)) return true;
  return false;
}

}  // namespace

bool propagate_quantization(Graph& graph, const PassContext&) {
  bool changed = false;
  for (; rewrite_once(graph); changed = true) remove_unused_nodes(graph);
  return changed;
}

}  // namespace lathe
