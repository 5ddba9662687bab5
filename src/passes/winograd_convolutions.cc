// Conv and FusedConv with kernels of 3 x 3, stride 1 and constant weights  ->  WinogradConv of G w G'
//
// Tiles of 4 x 4 outputs take 36 products in place of 144, and their weights four times the memory. Where
// that pays: enough channels and rows, and tiles that fill vectors. Weights are transformed in double and
// rounded once. Within 1e-5 of the sums of magnitudes: products of transformed numbers, which the transform
// back subtracts from each other (Lavin and Gray, 2015).
#include <algorithm>
#include <array>
#include <cstring>

#include "graph/text_lists.h"
#include "graph/window.h"
#include "passes/constants.h"
#include "passes/pass.h"
#include "passes/rewrite.h"

namespace lathe {
namespace {

constexpr std::int64_t kKernel = 3;
constexpr std::int64_t kInputs = 6;  // of a tile, on each axis
constexpr std::int64_t kOutputs = 4;
constexpr std::int64_t kLeastChannels = 16;  // and rows

using Window = std::array<WindowAxis, 2>;

std::int64_t whole_vectors(std::int64_t count) { return (count + 15) / 16 * 16; }

/// Multiply-adds for each row and channel, in whole vectors of 16.
bool pays(const Window& window) {
  constexpr double kTransforms = 1.4;  // what they add, at most
  const auto tiles = [](const WindowAxis& axis) { return (axis.output + kOutputs - 1) / kOutputs; };
  const auto products =
      static_cast<double>(kInputs * kInputs * whole_vectors(tiles(window[0]) * tiles(window[1])));
  const auto direct =
      static_cast<double>(kKernel * kKernel * whole_vectors(window[0].output * window[1].output));
  return products * kTransforms < direct;
}

/// The axes of a convolution that can be computed so; false for every other node.
bool find_window(const Graph& graph, const Node& node, Window& window) {
  if (node.op->name != "Conv" && node.op->name != "FusedConv") return false;
  const auto& x = graph.value(node.inputs[0]).type;
  const auto& weight = graph.value(node.inputs[1]);
  if (weight.kind != ValueKind::constant || weight.data.data == nullptr || weight.type.dtype != Dtype::f32)
    return false;
  const Shape& shape = weight.data.shape;
  if (!x.ranked || x.dims.size() != 4 || node.integer("group") != 1) return false;
  if (shape[0] < kLeastChannels || shape[1] < kLeastChannels || shape[2] != kKernel || shape[3] != kKernel)
    return false;
  if (x.dims[2].is_symbolic() || x.dims[3].is_symbolic()) return false;
  const std::int64_t input[] = {x.dims[2].value, x.dims[3].value};
  resolve_windows({node.text("auto_pad").c_str(), node.text("dilations").c_str(), node.text("pads").c_str(),
                   node.text("strides").c_str()},
                  2, input, shape.data() + 2, false, window.data());
  for (const auto& axis : window)
    if (axis.stride != 1 || axis.dilation != 1) return false;
  return pays(window);
}

/// G of three numbers that are `stride` apart, to six.
template <class Number>
std::array<double, kInputs> transformed(const Number* w, std::size_t stride) {
  const auto first = static_cast<double>(w[0]);
  const auto middle = static_cast<double>(w[stride]);
  const auto last = static_cast<double>(w[2 * stride]);
  return {first / 4,
          -(first + middle + last) / 6,
          -(first - middle + last) / 6,
          first / 24 + middle / 12 + last / 6,
          first / 24 - middle / 12 + last / 6,
          last};
}

using Kernel = std::array<float, kKernel * kKernel>;
using TransformedKernel = std::array<double, kInputs * kInputs>;

/// G w G'.
TransformedKernel transformed(const Kernel& w) {
  std::array<double, kInputs * kKernel> halfway{};  // [6, 3]
  for (std::size_t column = 0; column < kKernel; ++column) {
    const auto down = transformed<float>(w.data() + column, kKernel);
    for (std::size_t i = 0; i < kInputs; ++i) halfway[i * kKernel + column] = down[i];
  }
  TransformedKernel result{};
  for (std::size_t i = 0; i < kInputs; ++i)
    std::ranges::copy(transformed<double>(halfway.data() + i * kKernel, 1),
                      result.begin() + static_cast<std::ptrdiff_t>(i * kInputs));
  return result;
}

/// [36, rows, channels] of [rows, channels, 3, 3].
std::vector<ConstantData> transformed_weight(const Value& value) {
  constexpr std::size_t kBlock =
      64;  // kernels that are stored at once, so that lines of the cache are filled
  const auto kernels = static_cast<std::size_t>(value.data.shape[0] * value.data.shape[1]);
  const auto floats = std::make_shared<std::vector<float>>(kInputs * kInputs * kernels);
  std::array<std::array<float, kBlock>, kInputs * kInputs> block{};
  for (std::size_t first = 0; first < kernels; first += kBlock) {
    const std::size_t count = std::min(kBlock, kernels - first);
    for (std::size_t k = 0; k < count; ++k) {
      Kernel w{};
      std::memcpy(w.data(), value.data.data + (first + k) * sizeof w, sizeof w);
      const auto elements = transformed(w);
      for (std::size_t i = 0; i < elements.size(); ++i) block[i][k] = static_cast<float>(elements[i]);
    }
    for (std::size_t i = 0; i < block.size(); ++i)
      std::copy_n(block[i].begin(), count,
                  floats->begin() + static_cast<std::ptrdiff_t>(i * kernels + first));
  }
  const TensorView view{reinterpret_cast<const std::byte*>(floats->data()),
                        Dtype::f32,
                        {kInputs * kInputs, value.data.shape[0], value.data.shape[1]}};
  return {{view, floats}};
}

ValueId add_transformed(Graph& graph, ValueId weight, const PassContext& context) {
  const Value value = graph.value(weight);
  const auto made =
      derive(context.derived, value, "winograd", [&value] { return transformed_weight(value); });
  return graph.add_constant(value.name + ".winograd", made[0].data, made[0].owner);
}

bool rewrite(Graph& graph, std::size_t position, const PassContext& context) {
  const Node node = graph.nodes[position];
  Window window;
  if (!find_window(graph, node, window)) return false;
  const std::array<std::int64_t, 4> pads = {window[0].pad_begin, window[1].pad_begin, window[0].pad_end,
                                            window[1].pad_end};
  std::vector<ValueId> inputs = node.inputs;
  if (inputs.size() < 3) inputs.push_back(absent(graph));
  inputs[1] = add_transformed(graph, inputs[1], context);
  Attributes attributes = {{"pads", integers_text(pads)}};
  for (const auto* name : {"epilogue", "alpha", "beta"})
    if (const auto found = node.attributes.find(name); found != node.attributes.end())
      attributes.insert(*found);
  return replace_node(graph, position, {"WinogradConv", inputs, attributes});
}

}  // namespace

bool winograd_convolutions(Graph& graph, const PassContext& context) {
  bool changed = false;
  for (std::size_t position = 0; position < graph.nodes.size(); ++position)
    changed |= rewrite(graph, position, context);
  return changed;
}

}  // namespace lathe
