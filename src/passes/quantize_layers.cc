#include "passes/quantize_layers.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <memory>
#include <set>

#include "base/error.h"
#include "base/half.h"
#include "passes/pass.h"
#include "passes/rewrite.h"
#include "passes/uses.h"
#include "quant/linear_quantization.h"

namespace lathe {
namespace {

constexpr std::array<std::string_view, 3> kTypeNames = {"f32", "bf16", "int8"};
constexpr int kWeightBits = 8;
constexpr const char* kLinear = ".Linear";  // behind the name of a product that became one with shapes around
/// u8 where its range is at most this part of what i8 would span.
constexpr float kLopsided = 0.75F;

/// Of a matrix, or of a Conv's with its kernel behind.
bool is_float_weight(const Value& value, bool conv) {
  if (value.kind != ValueKind::constant || value.data.data == nullptr || value.type.dtype != Dtype::f32)
    return false;
  const Shape& shape = value.data.shape;
  return (conv ? shape.size() >= 3 : shape.size() == 2) && element_count(shape) > 0;
}

/// In groups of one channel, whose few products no pairs are worth making for.
bool is_depthwise(const Graph& graph, const Node& node) {
  return node.op->name == "Conv" && node.integer("group") > 1 &&
         graph.value(node.inputs[1]).data.shape[1] == 1;
}

/// The value that a chain of views shows.
ValueId source_of(const Graph& graph, const Uses& uses, ValueId id) {
  for (;;) {
    const auto producer = uses.producer(id);
    if (producer < 0) return id;
    const Node& node = graph.nodes[static_cast<std::size_t>(producer)];
    if (node.op->aliases_input < 0 || !node.op->pure || node.outputs[0] != id) return id;
    id = node.inputs[static_cast<std::size_t>(node.op->aliases_input)];
  }
}

/// The weight's axis along which outputs lie; empty where the node's product is another one.
std::optional<int> output_axis(const Node& node) {
  const auto op = node.op->name;
  if (op == "Conv" || op == "Linear") return 0;
  if (op == "MatMul") return 1;
  if (op != "Gemm" || node.real("alpha") != 1 || node.real("beta") != 1 || node.integer("transA") != 0)
    return std::nullopt;
  return node.integer("transB") != 0 ? 0 : 1;
}

/// Names of the nodes that can be a Linear, which has kernels for bf16.
std::set<std::string> linear_names(Graph graph, const PassContext& context) {
  matmul_to_linear(graph, context);
  std::set<std::string> names;
  for (const auto& node : graph.nodes)
    if (node.op->name == "Linear") names.insert(node.name);
  return names;
}

std::span<const float> floats_of(const Value& weight) {
  return {reinterpret_cast<const float*>(weight.data.data),
          static_cast<std::size_t>(element_count(weight.data.shape))};
}

template <class T>
ConstantData constant_of(std::vector<T> numbers, Dtype dtype, Shape shape) {
  const auto kept = std::make_shared<std::vector<T>>(std::move(numbers));
  return {{reinterpret_cast<const std::byte*>(kept->data()), dtype, std::move(shape)}, kept};
}

ValueId add_constant(Graph& graph, const std::string& name, const ConstantData& constant) {
  return graph.add_constant(name, constant.data, constant.owner);
}

ValueId quantized_input(Graph& graph, std::size_t& position, const WeightedLayer& layer,
                        const ValueRange& range) {
  const InputCodes codes = input_codes(range);
  const ValueId scale =
      add_constant(graph, layer.tensor + ".scale", constant_of<float>({codes.scale}, Dtype::f32, {}));
  const ValueId zero =
      add_constant(graph, layer.tensor + ".zero_point",
                   constant_of<std::uint8_t>({static_cast<std::uint8_t>(codes.zero_point)}, codes.dtype, {}));
  const ValueId q = insert_node(graph, position++, "QuantizeLinear", {layer.input, scale, zero}, {});
  return insert_node(graph, position++, "DequantizeLinear", {q, scale, zero}, {});
}

/// Codes of the weight's shape, and a scale for each output.
std::vector<ConstantData> codes_and_scales(const Value& weight, int axis) {
  const LinearScheme scheme{kWeightBits, true, ScaleSharing::channel, axis, 0};
  LinearQuantized quantized = quantize_linear(floats_of(weight), weight.data.shape, scheme);
  std::vector<float> scales;  // [outputs]
  for (const auto& scale : quantized.scales) scales.push_back(scale.scale);
  const auto outputs = static_cast<std::int64_t>(scales.size());
  return {constant_of(std::move(quantized.codes), Dtype::i8, weight.data.shape),
          constant_of(std::move(scales), Dtype::f32, {outputs})};
}

ValueId quantized_weight(Graph& graph, std::size_t& position, DerivedConstants* derived) {
  const int axis = *output_axis(graph.nodes[position]);
  const Value weight = graph.value(graph.nodes[position].inputs[1]);
  const auto made = derive(derived, weight, "codes along " + std::to_string(axis),
                           [&] { return codes_and_scales(weight, axis); });
  const ValueId codes = add_constant(graph, weight.name + ".codes", made[0]);
  const ValueId factors = add_constant(graph, weight.name + ".scales", made[1]);
  return insert_node(graph, position++, "DequantizeLinear", {codes, factors}, {{"axis", std::int64_t{axis}}});
}

/// Of a Conv, or of a product that is a Linear by now.
void round_weight(Graph& graph, Node& node, DerivedConstants* derived) {
  const Value weight = graph.value(node.inputs[1]);
  const auto made = derive(derived, weight, "bf16", [&weight] {
    std::vector<std::uint16_t> rounded;
    for (const float value : floats_of(weight)) rounded.push_back(float_to_bfloat(value));
    return std::vector{constant_of(std::move(rounded), Dtype::bf16, weight.data.shape)};
  });
  node.inputs[1] = add_constant(graph, weight.name + ".bf16", made[0]);
}

void round_weights(Graph& graph, const std::set<std::string>& names, DerivedConstants* derived) {
  PassContext context;
  context.derived = derived;
  matmul_to_linear(graph, context);
  for (auto& node : graph.nodes)
    if (node.op->name == "Linear" && names.contains(node.name)) round_weight(graph, node, derived);
}

}  // namespace

std::string_view layer_type_name(LayerType type) { return kTypeNames[static_cast<std::size_t>(type)]; }

std::optional<LayerType> layer_type_named(std::string_view name) {
  const auto found = std::ranges::find(kTypeNames, name);
  if (found == kTypeNames.end()) return std::nullopt;
  return static_cast<LayerType>(found - kTypeNames.begin());
}

std::vector<WeightedLayer> find_weighted_layers(const Graph& graph, DerivedConstants* derived) {
  const Uses uses(graph);
  PassContext context;
  context.derived = derived;
  const auto linear = linear_names(graph, context);
  std::vector<WeightedLayer> layers;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    if (!output_axis(node)) continue;
    const Value& x = graph.value(node.inputs[0]);
    if (x.type.dtype != Dtype::f32 || x.kind == ValueKind::constant ||
        !is_float_weight(graph.value(node.inputs[1]), node.op->name == "Conv"))
      continue;
    const bool becomes_linear =
        !node.name.empty() && (linear.contains(node.name) || linear.contains(node.name + kLinear));
    const bool takes_bf16 = node.op->name == "Conv" ? !is_depthwise(graph, node) : becomes_linear;
    layers.push_back({i, node.name, node.name.empty() ? graph.value(node.outputs[0]).name : node.name,
                      std::string(node.op->name), node.inputs[0],
                      graph.value(source_of(graph, uses, node.inputs[0])).name, takes_bf16});
  }
  return layers;
}

InputCodes input_codes(const ValueRange& range) {
  const float low = std::min(range.low, 0.0F);
  const float high = std::max(range.high, 0.0F);
  const float magnitude = std::max(-low, high);
  const bool lopsided = high / 2 - low / 2 <= kLopsided * magnitude;
  if (!lopsided) {
    const LinearScale scale = linear_scale(-magnitude, magnitude, 8, true);
    return {Dtype::i8, scale.scale, 0};
  }
  const LinearScale scale = linear_scale(low, high, 8, false);
  return {Dtype::u8, scale.scale, scale.zero_point + 128};
}

void set_layer_types(Graph& graph, std::span<const WeightedLayer> layers, std::span<const LayerType> types,
                     std::span<const ValueRange> ranges, DerivedConstants* derived) {
  CHECK(types.size() == layers.size() && ranges.size() == layers.size());
  std::map<ValueId, ValueId> inputs;  // that have their pair
  std::set<std::string> rounded;      // nodes
  std::size_t inserted = 0;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (types[i] == LayerType::bf16) {
      if (layers[i].op == "Conv")
        round_weight(graph, graph.nodes[layers[i].position + inserted], derived);
      else
        rounded.insert({layers[i].node, layers[i].node + kLinear});
    }
    if (types[i] != LayerType::int8) continue;
    std::size_t position = layers[i].position + inserted;
    const std::size_t before = graph.nodes.size();
    if (!inputs.contains(layers[i].input))
      inputs[layers[i].input] = quantized_input(graph, position, layers[i], ranges[i]);
    const ValueId weight = quantized_weight(graph, position, derived);
    graph.nodes[position].inputs[0] = inputs.at(layers[i].input);
    graph.nodes[position].inputs[1] = weight;
    inserted += graph.nodes.size() - before;
  }
  if (!rounded.empty()) round_weights(graph, rounded, derived);
}

}  // namespace lathe
