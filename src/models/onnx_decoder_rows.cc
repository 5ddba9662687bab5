// Nodes that compute on each token's row alone.
#include <algorithm>
#include <array>
#include <bit>

#include "models/onnx_decoder.h"

namespace lathe {

void OnnxDecoder::gather(const onnx::Node& node) {
  const OnnxValue& table = input(node, 0);
  const OnnxValue& indices = input(node, 1);
  const bool by_ids = indices.kind == OnnxValue::Kind::ids;
  if (!by_ids && indices.kind != OnnxValue::Kind::positions) return sizes(node);
  const auto matrix = onnx::matrix_use(node, constants_);
  expect(table.kind == OnnxValue::Kind::constant && matrix && integer(node, "axis", 0) == 0 &&
             integer(node, "gather_axis", 0) == 0,
         "rows of a constant matrix alone are gathered");
  const ValueId rows =
      graph_.add("Gather", name(node), {constant(matrix->tensor), by_ids ? ids_ : positions_});
  OnnxValue value;
  value.kind = OnnxValue::Kind::tensor;
  value.dims = {1, OnnxValue::kTokens, graph_.value(rows).type.dims.back().value};
  value.flat = rows;
  set(node, 0, std::move(value));
}

void OnnxDecoder::linear(const onnx::Node& node) {
  const auto matrix = onnx::matrix_use(node, constants_);
  expect(matrix.has_value(), "products with a constant matrix alone are known");
  expect(integer(node, "transA", 0) == 0 && real(node, "alpha", 1) == 1 && real(node, "beta", 1) == 1,
         "transA, alpha and beta are not computed");
  OnnxValue& x = tensor(node, 0);
  expect(!x.has_heads(), "the product is not one of whole rows");
  ValueId product = graph_.add("Linear", name(node), {flat(x), constant(matrix->tensor)});
  const std::int64_t rows = graph_.value(product).type.dims.back().value;
  const std::size_t bias = node.op_type == "Gemm" ? 2 : 5;
  if (has(node, bias))
    product = graph_.add("Add", name(node) + ".biased", {product, vector(node, bias, rows)});
  OnnxValue like = x;
  like.dims.back() = rows;
  set_like(node, like, product);
}

void OnnxDecoder::binary(const onnx::Node& node) {
  std::size_t first = 0, second = 1;
  if (!input(node, 0).is_tensor() && !input(node, 1).is_tensor()) return sizes(node);
  const bool commutes = node.op_type == "Add" || node.op_type == "Mul";
  if (!input(node, 0).is_tensor() && commutes) std::swap(first, second);
  OnnxValue& x = tensor(node, first);
  if (input(node, second).kind == OnnxValue::Kind::constant) {
    const OnnxValue& other = input(node, second);
    if (other.constant->elements() == 1) {
      const std::string& constant_name = node.inputs[second];
      const TensorView* stored = checkpoint_->find_tensor(constant_name);
      expect(stored != nullptr && stored->dtype == Dtype::f32, "the constant is not of floats");
      TensorView one = *stored;
      one.shape = {1};
      const std::string key = constant_name + ".one";
      if (!weights_.contains(key)) weights_.emplace(key, graph_.add_constant(key, one, checkpoint_));
      return set_like(node, x, graph_.add(node.op_type, name(node), {flat(x), weights_.at(key)}));
    }
    const ValueId row = vector(node, second, x.columns());
    if (!x.has_heads()) return set_like(node, x, graph_.add(node.op_type, name(node), {flat(x), row}));
    return set_like(node, x, -1, graph_.add(node.op_type, name(node), {split(x), row}));
  }
  OnnxValue& y = tensor(node, second);
  expect(x.dims == y.dims && x.by_head == y.by_head && x.wanted == y.wanted, "its inputs differ in shape");
  if (node.op_type == "Mul" && x.sigmoid_of >= 0 && x.sigmoid_of == y.flat)
    return set_like(node, x, graph_.add("Swish", name(node), {y.flat}));
  if (node.op_type == "Mul" && y.sigmoid_of >= 0 && y.sigmoid_of == x.flat)
    return set_like(node, x, graph_.add("Swish", name(node), {x.flat}));
  set_like(node, x, graph_.add(node.op_type, name(node), {flat(x), flat(y)}));
}

void OnnxDecoder::unary(const onnx::Node& node) {
  if (node.op_type == "Swish") expect(real(node, "alpha", 1) == 1, "alpha is not computed");
  if (!input(node, 0).is_tensor()) return sizes(node);
  OnnxValue& x = tensor(node, 0);
  set_like(node, x, graph_.add(node.op_type, name(node), {flat(x)}));
}

void OnnxDecoder::sigmoid(const onnx::Node& node) {
  OnnxValue& x = tensor(node, 0);
  OnnxValue value = x;
  value.sigmoid_of = flat(x);
  value.flat = -1;
  value.split = -1;
  set(node, 0, std::move(value));
}

void OnnxDecoder::gelu(const onnx::Node& node) {
  const onnx::Attribute* form = node.find("approximate");
  const bool tanh =
      node.op_type == "FastGelu" || (form != nullptr && form->texts.size() == 1 && form->texts[0] == "tanh");
  OnnxValue& x = tensor(node, 0);
  ValueId in = flat(x);
  if (has(node, 1)) in = graph_.add("Add", name(node) + ".biased", {in, vector(node, 1, x.width())});
  set_like(node, x, graph_.add("Gelu", name(node), {in}, {{"approximate", std::int64_t{tanh}}}));
}

void OnnxDecoder::normalize(const onnx::Node& node, const OnnxValue& x, const char* op,
                            std::vector<ValueId> inputs, bool by_head) {
  const ValueId y = graph_.add(op, name(node), std::move(inputs), {{"epsilon", real(node, "epsilon", 1e-5)}});
  if (by_head)
    set_like(node, x, -1, y);
  else
    set_like(node, x, y);
}

void OnnxDecoder::rms_norm(const onnx::Node& node) {
  OnnxValue& x = tensor(node, 0);
  const std::int64_t axis = integer(node, "axis", -1);
  expect(axis == -1 || axis == static_cast<std::int64_t>(x.dims.size()) - 1, "axis is not the last");
  refuse_outputs(node, 1);
  const bool by_head = x.has_heads();
  normalize(node, x, "RMSNormalization", {by_head ? split(x) : flat(x), vector(node, 1, x.columns())},
            by_head);
}

void OnnxDecoder::layer_norm(const onnx::Node& node) {
  OnnxValue& x = tensor(node, 0);
  const std::int64_t axis = integer(node, "axis", -1);
  expect(axis == -1 || axis == static_cast<std::int64_t>(x.dims.size()) - 1, "axis is not the last");
  refuse_outputs(node, 1);
  const bool by_head = x.has_heads();
  std::vector<ValueId> inputs{by_head ? split(x) : flat(x), vector(node, 1, x.columns())};
  if (has(node, 2)) inputs.push_back(vector(node, 2, x.columns()));
  normalize(node, x, "LayerNormalization", std::move(inputs), by_head);
}

/// SkipSimplifiedLayerNormalization(x, skip, weight, bias) and SkipLayerNormalization(x, skip, weight, beta,
/// bias): the norm of x + skip + bias, and that sum as output 3.
void OnnxDecoder::skip_norm(const onnx::Node& node) {
  const bool rms = node.op_type == "SkipSimplifiedLayerNormalization";
  OnnxValue& x = tensor(node, 0);
  OnnxValue& skip = tensor(node, 1);
  expect(!x.has_heads() && x.dims == skip.dims, "its inputs differ in shape");
  for (std::size_t i = 1; i < std::min<std::size_t>(node.outputs.size(), 3); ++i)
    expect(node.outputs[i].empty(), "mean and deviation are not computed");
  ValueId sum = graph_.add("Add", name(node) + ".sum", {flat(x), flat(skip)});
  const std::size_t bias = rms ? 3 : 4;
  if (has(node, bias)) sum = graph_.add("Add", name(node) + ".biased", {sum, vector(node, bias, x.width())});
  OnnxValue total;
  total.kind = OnnxValue::Kind::tensor;
  total.dims = x.dims;
  total.wanted = x.wanted;
  total.flat = sum;
  std::vector<ValueId> inputs{sum, vector(node, 2, x.width())};
  if (!rms && has(node, 3)) inputs.push_back(vector(node, 3, x.width()));
  normalize(node, total, rms ? "RMSNormalization" : "LayerNormalization", std::move(inputs), false);
  set(node, 3, std::move(total));
}

std::span<const OnnxDecoder::Handler> OnnxDecoder::row_handlers() {
  static constexpr Handler kHandlers[] = {
      {"", "Gather", &OnnxDecoder::gather},
      {"com.microsoft", "GatherBlockQuantized", &OnnxDecoder::gather},
      {"", "MatMul", &OnnxDecoder::linear},
      {"", "Gemm", &OnnxDecoder::linear},
      {"com.microsoft", "MatMulNBits", &OnnxDecoder::linear},
      {"", "Add", &OnnxDecoder::binary},
      {"", "Sub", &OnnxDecoder::binary},
      {"", "Mul", &OnnxDecoder::binary},
      {"", "Div", &OnnxDecoder::binary},
      {"", "Sigmoid", &OnnxDecoder::sigmoid},
      {"", "Swish", &OnnxDecoder::unary},
      {"", "Tanh", &OnnxDecoder::unary},
      {"", "Relu", &OnnxDecoder::unary},
      {"", "Erf", &OnnxDecoder::unary},
      {"", "Neg", &OnnxDecoder::unary},
      {"", "Gelu", &OnnxDecoder::gelu},
      {"com.microsoft", "Gelu", &OnnxDecoder::gelu},
      {"com.microsoft", "BiasGelu", &OnnxDecoder::gelu},
      {"com.microsoft", "FastGelu", &OnnxDecoder::gelu},
      {"", "RMSNormalization", &OnnxDecoder::rms_norm},
      {"", "SimplifiedLayerNormalization", &OnnxDecoder::rms_norm},
      {"com.microsoft", "SimplifiedLayerNormalization", &OnnxDecoder::rms_norm},
      {"com.microsoft", "SkipSimplifiedLayerNormalization", &OnnxDecoder::skip_norm},
      {"com.microsoft", "SkipLayerNormalization", &OnnxDecoder::skip_norm},
      {"", "LayerNormalization", &OnnxDecoder::layer_norm},
  };
  return kHandlers;
}

}  // namespace lathe
