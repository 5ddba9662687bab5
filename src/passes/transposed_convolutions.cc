// ConvTranspose with constant weights, one group, no dilation and the stride s on both axes
//   ->  DepthToSpace(Conv(x) of s * s rows for each), and a Slice where that is larger than the output
//
// Output q * s + a (0 <= a < s) of an axis is the sum over t of x[q - t] w[a + s t]: a convolution for each
// phase a (Shi et al., 2016), whose kernels are as long as the transposed one's part of the phase. Functions
// of single elements and factors and offsets of channels behind it are moved in front of DepthToSpace, where
// the convolution takes them. The same products in another order: within 1e-6 of the sums of magnitudes.
#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <string>

#include "graph/text_lists.h"
#include "graph/transposed_window.h"
#include "passes/constants.h"
#include "passes/pass.h"
#include "passes/program_function.h"
#include "passes/rewrite.h"
#include "passes/uses.h"

namespace lathe {
namespace {

struct Axis {
  std::int64_t kernel;
  std::int64_t taps;         // of each phase's kernel
  std::int64_t crop_before;  // elements that are computed and are none of the output's
  std::int64_t crop_behind;
};

struct Transposed {
  std::int64_t channels;  // [channels, rows, kernel, kernel] is the weight
  std::int64_t rows;
  std::int64_t stride;
  std::array<Axis, 2> axes;
};

bool has_bias(const Graph& graph, const Node& node) {
  return node.inputs.size() > 2 && graph.value(node.inputs[2]).type.dtype != Dtype::none;
}

/// What the node computes; empty where it is not of the form above.
std::optional<Transposed> transposed_of(const Graph& graph, const Node& node) {
  if (node.op->name != "ConvTranspose" || node.integer("group") != 1) return std::nullopt;
  const auto& x = graph.value(node.inputs[0]).type;
  const auto& weight = graph.value(node.inputs[1]);
  if (!is_known_f32(weight) || weight.data.shape.size() != 4 || !x.ranked || x.dims.size() != 4)
    return std::nullopt;
  if (has_bias(graph, node) && !is_known_f32(graph.value(node.inputs[2]))) return std::nullopt;
  const AutoPad auto_pad = auto_pad_of(node.text("auto_pad").c_str());
  if ((auto_pad != AutoPad::given && auto_pad != AutoPad::valid) || !node.text("output_shape").empty())
    return std::nullopt;
  const std::string dilations = node.text("dilations");
  const std::string padding = node.text("output_padding");
  const std::string pads = node.text("pads");
  const std::string strides = node.text("strides");
  const std::string auto_text = node.text("auto_pad");
  const TransposedTexts texts{auto_text.c_str(), dilations.c_str(), padding.c_str(), "",
                              pads.c_str(),      strides.c_str()};
  Transposed result{
      weight.data.shape[0], weight.data.shape[1], number_at(window_numbers(strides.c_str()), 0, 1), {}};
  for (int i = 0; i < 2; ++i) {
    // of one element: what is cut off does not depend on how many there are
    const WindowAxis axis =
        transposed_window(texts, 2, i, 1, weight.data.shape[2 + static_cast<std::size_t>(i)]);
    const std::int64_t taps = (axis.kernel + axis.stride - 1) / axis.stride;
    const std::int64_t behind = taps * axis.stride - axis.pad_begin - axis.output;
    if (axis.stride != result.stride || axis.dilation != 1 || axis.pad_begin < 0 || behind < 0)
      return std::nullopt;
    result.axes[static_cast<std::size_t>(i)] = {axis.kernel, taps, axis.pad_begin, behind};
  }
  return result;
}

ValueId add_integers(Graph& graph, const std::string& name, std::vector<std::int64_t> numbers) {
  const Shape shape = {std::ssize(numbers)};
  const auto kept = std::make_shared<const std::vector<std::int64_t>>(std::move(numbers));
  return graph.add_constant(name, {reinterpret_cast<const std::byte*>(kept->data()), Dtype::i64, shape},
                            kept);
}

/// [rows * stride * stride, channels, taps, taps]: the kernel of each row and phase, turned round.
ValueId add_phases(Graph& graph, const Transposed& shape, const Value& weight) {
  const auto [height, width] = shape.axes;
  const std::int64_t s = shape.stride;
  std::vector<float> phases;
  phases.reserve(static_cast<std::size_t>(shape.rows * s * s * shape.channels * height.taps * width.taps));
  for (std::int64_t row = 0; row < shape.rows * s * s; ++row)
    for (std::int64_t channel = 0; channel < shape.channels; ++channel)
      for (std::int64_t tap = 0; tap < height.taps * width.taps; ++tap) {
        const std::int64_t y = row / s % s + s * (height.taps - 1 - tap / width.taps);
        const std::int64_t x = row % s + s * (width.taps - 1 - tap % width.taps);
        const std::int64_t plane = channel * shape.rows + row / (s * s);
        phases.push_back(y < height.kernel && x < width.kernel
                             ? constant_element(weight, static_cast<std::size_t>(
                                                            (plane * height.kernel + y) * width.kernel + x))
                             : 0.0f);
      }
  return add_numbers(graph, weight.name + ".phases", std::move(phases),
                     {shape.rows * s * s, shape.channels, height.taps, width.taps});
}

/// One number for each channel, each `times` times.
ValueId add_repeated(Graph& graph, const Value& numbers, std::int64_t channels, std::int64_t times,
                     Shape shape) {
  std::vector<float> repeated;
  const bool is_one = element_count(numbers.data.shape) == 1;
  for (std::int64_t i = 0; i < channels * times; ++i)
    repeated.push_back(constant_element(numbers, is_one ? 0 : static_cast<std::size_t>(i / times)));
  return add_numbers(graph, numbers.name + ".phases", std::move(repeated), std::move(shape));
}

/// One number, or one for each of the channels on axis 1 of four.
bool is_by_channel(const Value& value, std::int64_t channels) {
  if (!is_known_f32(value)) return false;
  const Shape& shape = value.data.shape;
  const auto count = element_count(shape);
  if (count == 1) return true;
  return count == channels && shape.size() >= 3 && shape.size() <= 4 && shape[shape.size() - 3] == channels;
}

/// Whether the node can be computed in front of DepthToSpace: then its inputs there, but for the first.
std::optional<std::vector<ValueId>> moved_inputs(Graph& graph, const Node& node, ValueId x,
                                                 std::int64_t channels, std::int64_t times) {
  if (program_function(graph, node) && node.inputs[0] == x)
    return std::vector<ValueId>(node.inputs.begin() + 1, node.inputs.end());
  std::vector<ValueId> inputs;
  if (node.op->name == "BatchNormalization") {
    for (std::size_t i = 1; i < node.inputs.size(); ++i)
      if (!is_known_f32(graph.value(node.inputs[i]))) return std::nullopt;
    for (std::size_t i = 1; i < node.inputs.size(); ++i)
      inputs.push_back(
          add_repeated(graph, Value(graph.value(node.inputs[i])), channels, times, {channels * times}));
    return inputs;
  }
  if (node.op->name != "Add" && node.op->name != "Mul") return std::nullopt;
  const ValueId other = node.inputs[node.inputs[0] == x ? 1 : 0];
  if (other == x || !is_by_channel(graph.value(other), channels)) return std::nullopt;
  inputs.push_back(add_repeated(graph, Value(graph.value(other)), channels, times, {channels * times, 1, 1}));
  return inputs;
}

/// Where it is one of the form above, and what comes out has the type that it had.
bool rewrite(Graph& graph, std::size_t position) {
  const Node node = graph.nodes[position];
  const auto shape = transposed_of(graph, node);
  if (!shape) return false;
  const std::int64_t phases = shape->stride * shape->stride;
  const Uses uses(graph);
  struct Moved {
    Node node;
    std::vector<ValueId> inputs;
  };
  std::vector<Moved> moved;
  std::size_t last = position;
  for (;;) {
    const ValueId value = graph.nodes[last].outputs[0];
    const auto reader = uses.only_reader(value);
    if (reader < 0) break;
    const Node next = graph.nodes[static_cast<std::size_t>(reader)];
    auto inputs = moved_inputs(graph, next, value, shape->rows, phases);
    if (!inputs) break;
    moved.push_back({next, std::move(*inputs)});
    last = static_cast<std::size_t>(reader);
  }
  std::vector<ValueId> inputs = {node.inputs[0],
                                 add_phases(graph, *shape, Value(graph.value(node.inputs[1])))};
  if (has_bias(graph, node))
    inputs.push_back(
        add_repeated(graph, Value(graph.value(node.inputs[2])), shape->rows, phases, {shape->rows * phases}));
  const auto [height, width] = shape->axes;
  const std::array<std::int64_t, 4> pads = {height.taps - 1, width.taps - 1, height.taps - 1, width.taps - 1};
  std::size_t at = last;
  ValueId value = insert_node(graph, at++, "Conv", inputs, {{"pads", integers_text(pads)}});
  for (auto& step : moved) {
    step.inputs.insert(step.inputs.begin(), value);
    value = insert_node(graph, at++, step.node.op->name, step.inputs, step.node.attributes);
  }
  if (shape->stride > 1)
    value =
        insert_node(graph, at++, "DepthToSpace", {value}, {{"blocksize", shape->stride}, {"mode", "CRD"}});
  if (height.crop_before + height.crop_behind + width.crop_before + width.crop_behind > 0) {
    const auto end = [](std::int64_t crop) {
      return crop > 0 ? -crop : std::numeric_limits<std::int64_t>::max();
    };
    const std::string& name = graph.value(node.outputs[0]).name;
    const ValueId starts = add_integers(graph, name + ".starts", {height.crop_before, width.crop_before});
    const ValueId ends =
        add_integers(graph, name + ".ends", {end(height.crop_behind), end(width.crop_behind)});
    const ValueId axes = add_integers(graph, name + ".axes", {2, 3});
    value = insert_node(graph, at++, "Slice", {value, starts, ends, axes}, {});
  }
  return stand_in(graph, at, value);
}

}  // namespace

bool transposed_convolutions(Graph& graph, const PassContext&) {
  bool changed = false;
  for (std::size_t position = 0; position < graph.nodes.size(); ++position) {
    if (graph.nodes[position].op->name != "ConvTranspose") continue;
    Graph rewritten = graph;
    if (!rewrite(rewritten, position)) continue;
    remove_unused_nodes(rewritten);
    graph = std::move(rewritten);
    changed = true;
  }
  return changed;
}

}  // namespace lathe
