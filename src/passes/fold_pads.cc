// Conv(Pad(x, zeros), ...)         ->  Conv(x, ...) with these pads in its own
// AveragePool(Pad(x, zeros))       ->  AveragePool(x) whose padding counts, as the zeros did
// MaxPool(Pad(x, -infinity))       ->  MaxPool(x)
//
// Of pads that are constants, not negative, and lie on spatial axes. Bit-equal: the same sums with the same
// zeros.
#include <limits>
#include <optional>

#include "graph/text_lists.h"
#include "graph/window.h"
#include "passes/constants.h"
#include "passes/pass.h"
#include "passes/rewrite.h"
#include "passes/uses.h"

namespace lathe {
namespace {

/// Elements of an i64 constant.
std::optional<std::vector<std::int64_t>> integers_of(const Value& value) {
  if (value.kind != ValueKind::constant || value.data.data == nullptr || value.type.dtype != Dtype::i64)
    return std::nullopt;
  std::vector<std::int64_t> result(static_cast<std::size_t>(element_count(value.data.shape)));
  std::memcpy(result.data(), value.data.data, result.size() * sizeof result[0]);
  return result;
}

/// Before each spatial axis and then behind each; empty where it is more than that.
std::vector<std::int64_t> spatial_pads(const Graph& graph, const Node& pad, std::size_t rank) {
  const auto given = integers_of(graph.value(pad.inputs[1]));
  std::vector<std::int64_t> axes;
  if (pad.inputs.size() > 3 && graph.value(pad.inputs[3]).type.dtype != Dtype::none) {
    const auto named = integers_of(graph.value(pad.inputs[3]));
    if (!named) return {};
    axes = *named;
  } else {
    for (std::size_t i = 0; i < rank; ++i) axes.push_back(static_cast<std::int64_t>(i));
  }
  if (!given || given->size() != 2 * axes.size()) return {};
  const std::size_t spatial = rank - 2;
  std::vector<std::int64_t> pads(2 * spatial, 0);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const auto axis =
        static_cast<std::size_t>(axes[i] < 0 ? axes[i] + static_cast<std::int64_t>(rank) : axes[i]);
    for (const std::size_t side : {0u, 1u}) {
      const std::int64_t count = given->at(i + side * axes.size());
      if (count < 0 || count > kMaxWindowNumber || (axis < 2 && count != 0)) return {};
      if (axis >= 2) pads[axis - 2 + side * spatial] += count;
    }
  }
  return pads;
}

/// What is put around; empty where it is no number known ahead.
std::optional<float> fill_of(const Graph& graph, const Node& pad) {
  const auto& mode = pad.text("mode");
  if (!mode.empty() && mode != "constant") return std::nullopt;
  if (pad.inputs.size() < 3 || graph.value(pad.inputs[2]).type.dtype == Dtype::none) return 0.0f;
  const auto number = scalar_constant(graph, pad.inputs[2]);
  if (!number) return std::nullopt;
  return static_cast<float>(*number);
}

/// What the op does to its own padding, and so to what is put around.
std::optional<float> padding_of(const Node& node) {
  const auto name = node.op->name;
  if (name == "Conv" || name == "AveragePool") return 0.0f;
  if (name == "MaxPool" && node.integer("outputs") == 1) return -std::numeric_limits<float>::infinity();
  return std::nullopt;
}

bool fold(Graph& graph, const Uses& uses, std::size_t position) {
  const Node node = graph.nodes[position];
  const auto padding = padding_of(node);
  if (!padding) return false;
  const auto producer = uses.producer(node.inputs[0]);
  if (producer < 0 || uses.only_reader(node.inputs[0]) < 0) return false;
  const Node& pad = graph.nodes[static_cast<std::size_t>(producer)];
  const ValueType& type = graph.value(node.inputs[0]).type;
  if (pad.op->name != "Pad" || type.dtype != Dtype::f32 || !type.ranked || type.dims.size() < 3) return false;
  const auto fill = fill_of(graph, pad);
  const AutoPad automatic = auto_pad_of(node.text("auto_pad").c_str());
  if (!fill || *fill != *padding || (automatic != AutoPad::given && automatic != AutoPad::valid))
    return false;
  auto pads = spatial_pads(graph, pad, type.dims.size());
  if (pads.empty()) return false;
  const WindowNumbers own = window_numbers(automatic == AutoPad::valid ? "" : node.text("pads").c_str());
  bool has_own = false;
  for (std::size_t i = 0; i < pads.size(); ++i) {
    const std::int64_t count = number_at(own, static_cast<int>(i), 0);
    has_own |= count != 0;
    pads[i] += count;
    if (pads[i] > kMaxWindowNumber) return false;
  }
  Attributes attributes = node.attributes;
  attributes["auto_pad"] = "";
  attributes["pads"] = integers_text(pads);
  if (node.op->name == "AveragePool") {
    if (has_own && node.integer("count_include_pad") == 0) return false;
    attributes["count_include_pad"] = std::int64_t{1};
  }
  std::vector<ValueId> inputs = node.inputs;
  inputs[0] = pad.inputs[0];
  return replace_node(graph, position, {node.op->name, inputs, attributes});
}

}  // namespace

bool fold_pads(Graph& graph, const PassContext&) {
  bool changed = false;
  const Uses uses(graph);
  for (std::size_t position = 0; position < graph.nodes.size(); ++position)
    changed = fold(graph, uses, position) || changed;
  if (changed) remove_unused_nodes(graph);
  return changed;
}

}  // namespace lathe
