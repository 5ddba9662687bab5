// Layers whose products may be computed in fewer bits, and the step that gives them their types. It is no
// pass of the pipeline: what it puts in changes the numbers, and somebody has to have chosen it.
//
//   int8   Conv(x, W, b)  ->  Conv(DQ(Q(x)), DQ(codes of W), b)     and MatMul, Gemm, Linear the same
//          x gets one scale (input_codes below), W one for each output, greatest magnitude / 127
//   bf16   Conv(x, W, b)  ->  Conv(x, W rounded to bf16, b), which rounds x as well
//          MatMul(x, W)   ->  Linear(x, W transposed, rounded to bf16)
//
// Layers that read the same tensor share its pair of QuantizeLinear and DequantizeLinear.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "passes/derived_constants.h"

namespace lathe {

enum class LayerType : std::uint8_t { f32, bf16, int8 };

std::string_view layer_type_name(LayerType type);
std::optional<LayerType> layer_type_named(std::string_view name);

/// A Conv, MatMul, Gemm or Linear with a constant float32 weight.
struct WeightedLayer {
  std::size_t position = 0;  // in Graph::nodes
  std::string node;          // its name
  std::string name;          // the same as the network has it; of a node without name its output's
  std::string op;
  ValueId input = 0;
  std::string tensor;  // whose values the input has: views are looked through
  bool takes_bf16 = false;
};

/// `derived`, here and below, is PassContext's.
std::vector<WeightedLayer> find_weighted_layers(const Graph& graph, DerivedConstants* derived = nullptr);

/// Values that codes are for: those beyond the ends become the end.
struct ValueRange {
  float low = 0;
  float high = 0;
};

/// How a tensor with these values gets its codes:
///   i8   scale = greatest magnitude / 127, zero point 0
///   u8   scale = (high - low) / 255, zero point -low / scale to the nearest code: where that halves the step
///        or nearly so, as behind Relu and Gelu
struct InputCodes {
  Dtype dtype = Dtype::i8;
  float scale = 1;
  int zero_point = 0;
};
InputCodes input_codes(const ValueRange& range);

/// `types` and `ranges` (of int8 layers' inputs) go by layer, as find_weighted_layers(graph) lists them.
void set_layer_types(Graph& graph, std::span<const WeightedLayer> layers, std::span<const LayerType> types,
                     std::span<const ValueRange> ranges, DerivedConstants* derived = nullptr);

}  // namespace lathe
