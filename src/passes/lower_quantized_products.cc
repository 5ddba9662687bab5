// QLinearConv(x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero, bias)  ->  ConvCodes(x, w - w_zero,
// ...) QLinearMatMul(a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero)      ->  LinearCodes(a, b -
// b_zero, ...)
//
// w is a constant, b a constant matrix. Where they do not fit into i8 without their zeros, they do in two
// parts whose sum they are, which are multiplied with x twice (Concat), unless there are groups. Scales are
// float32 constants, those of x, a and y one number, and those of w and b one, or one for each row of w or
// column of b.
//
// Bit-equal: ops on codes whose y has no scale of its own round where these do (graph/code_product.h).
#include "graph/code_product.h"
#include "passes/constants.h"
#include "passes/pass.h"
#include "passes/product_codes.h"
#include "passes/rewrite.h"

namespace lathe {
namespace {

/// Inputs of QLinearConv and QLinearMatMul.
enum Input : std::size_t { kX, kXScale, kXZero, kWeight, kWeightScale, kWeightZero, kYScale, kYZero, kBias };

/// x scale * weight scale / y scale of each row, rounded as ONNX's ops do; empty where they are not known, or
/// of another type.
std::optional<std::vector<float>> linear_factors(const Graph& graph, const Node& product, bool is_conv) {
  const auto x_scale = scalar_constant(graph, product.inputs[kXScale]);
  const auto y_scale = scalar_constant(graph, product.inputs[kYScale]);
  const Value& scales = graph.value(product.inputs[kWeightScale]);
  const Value& weight = graph.value(product.inputs[kWeight]);
  const std::size_t axis = is_conv ? 0 : 1;
  if (!x_scale || !y_scale || scales.kind != ValueKind::constant || scales.data.data == nullptr ||
      scales.type.dtype != Dtype::f32 || weight.kind != ValueKind::constant ||
      weight.data.shape.size() <= axis)
    return std::nullopt;
  const std::int64_t rows = weight.data.shape[axis];
  const bool one = element_count(scales.data.shape) == 1;
  if (!one && scales.data.shape != Shape{rows}) return std::nullopt;
  std::vector<float> factors(static_cast<std::size_t>(rows));
  for (std::size_t row = 0; row < factors.size(); ++row)
    factors[row] =
        static_cast<float>(*x_scale) * constant_element(scales, one ? 0 : row) / static_cast<float>(*y_scale);
  return factors;
}

bool lower(Graph& graph, std::size_t& position) {
  const Node product = graph.nodes[position];
  const bool is_conv = product.op->name == "QLinearConv";
  if (!is_conv && product.op->name != "QLinearMatMul") return false;
  const ValueType x = graph.value(product.inputs[kX]).type;
  if (!x.ranked || x.dims.empty()) return false;
  auto factors = linear_factors(graph, product, is_conv);
  if (!factors) return false;
  const auto weight_in = [&](int parts) {
    return integer_weight(graph, product.inputs[kWeight], product.inputs[kWeightZero], !is_conv, parts);
  };
  ValueId codes = weight_in(1);
  const bool twice = codes == kNoValue && (!is_conv || product.integer("group") == 1);
  if (twice) codes = weight_in(2);
  if (codes == kNoValue) return false;
  const bool has_bias =
      product.inputs.size() > kBias && graph.value(product.inputs[kBias]).type.dtype != Dtype::none;
  const ValueId by_rows = add_numbers(graph, graph.value(codes).name + ".factors", *std::move(factors));
  std::vector<ValueId> inputs(code_product::kInputs, absent(graph));
  inputs[code_product::kX] = product.inputs[kX];
  if (twice) {
    const std::int64_t axis = is_conv ? 1 : static_cast<std::int64_t>(x.dims.size()) - 1;
    inputs[code_product::kX] =
        insert_node(graph, position++, "Concat", {product.inputs[kX], product.inputs[kX]}, {{"axis", axis}});
  }
  inputs[code_product::kWeight] = codes;
  inputs[code_product::kFactors] = by_rows;
  if (has_bias) inputs[code_product::kBias] = product.inputs[kBias];
  inputs[code_product::kXZero] = product.inputs[kXZero];
  inputs[code_product::kYZero] = product.inputs[kYZero];
  if (replace_node(graph, position, {is_conv ? "ConvCodes" : "LinearCodes", inputs, product.attributes}))
    return true;
  if (twice) graph.nodes.erase(graph.nodes.begin() + static_cast<std::ptrdiff_t>(--position));
  return false;
}

}  // namespace

bool lower_quantized_products(Graph& graph, const PassContext&) {
  bool changed = false;
  for (std::size_t position = 0; position < graph.nodes.size(); ++position) changed |= lower(graph, position);
  return changed;
}

}  // namespace lathe
