// Products, reductions, norms and attention of ONNX: to the rows of language models where those take them, to
// the rows of any type otherwise.
#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "formats/onnx_lower.h"
#include "formats/onnx_lower_recurrence.h"
#include "graph/text_lists.h"

namespace lathe::onnx {
namespace {

using Values = std::vector<ValueId>;

/// Whether the rows of language models may take it: f32 whose rank is known.
bool is_plain(const NodeImport& node, std::size_t input) {
  return node.has(input) && node.type(input).dtype == Dtype::f32 && node.type(input).ranked;
}

void require_known(const NodeImport& node, std::initializer_list<std::string_view> names) {
  for (const auto& attribute : node.node().attributes)
    if (std::ranges::find(names, attribute.name) == names.end())
      node.unsupported("its attribute " + printable(attribute.name) + " is not known");
}

/// The row where its rule accepts the inputs; otherwise nothing is added.
std::optional<Values> try_row(NodeImport& node, std::string_view row, Values inputs, Attributes attributes) {
  const std::size_t values = node.graph().values.size();
  try {
    return node.add_node(row, std::move(inputs), std::move(attributes));
  } catch (const Error&) {
    if (node.graph().values.size() != values) throw;
    return std::nullopt;
  }
}

/// Axes from the attribute, or from a constant input since opset 13 or 18.
Values reduce(NodeImport& node) {
  const std::string& op = node.node().op_type;
  if (op == "ReduceProd" || !is_plain(node, 0))
    return node.add_as_given(op == "ReduceProd" ? op : op + "Any");
  require_known(node, {"axes", "keepdims", "noop_with_empty_axes"});
  auto axes = std::optional(node.integers("axes"));
  if (node.has(1)) axes = node.integers(1);
  const bool noop = node.integer("noop_with_empty_axes", 0) != 0;
  if (axes && (!axes->empty() || !noop)) {
    const Attributes attributes = {{"axes", integers_text(*axes)}, {"keepdims", node.integer("keepdims", 1)}};
    if (auto result = try_row(node, op, {node.inputs()[0]}, attributes)) return *result;
  }
  return node.add_as_given(op + "Any");
}

/// Before opset 13 all axes from `axis` on are one row, and 1 is the default.
Values softmax(NodeImport& node) {
  require_known(node, {"axis"});
  const std::string& op = node.node().op_type;
  const bool flatten = node.opset() < 13;
  const std::int64_t axis = node.integer("axis", flatten ? 1 : -1);
  const auto rank = static_cast<std::int64_t>(node.type(0).dims.size());
  if (is_plain(node, 0) && (!flatten || axis == -1 || axis == rank - 1))
    if (auto result = try_row(node, op, node.inputs(), {{"axis", axis}})) return *result;
  return node.add_node(op + "Any", node.inputs(), {{"axis", axis}, {"flatten", std::int64_t{flatten}}});
}

Values layer_normalization(NodeImport& node) {
  require_known(node, {"axis", "epsilon", "stash_type"});
  const auto rank = static_cast<std::int64_t>(node.type(0).dims.size());
  const std::int64_t axis = node.integer("axis", -1);
  const bool last = axis == -1 || axis == rank - 1;
  if (is_plain(node, 0) && node.all_f32() && last && node.wanted_outputs() <= 1 &&
      node.integer("stash_type", 1) == 1)
    if (auto result = try_row(node, node.node().op_type, node.inputs(),
                              {{"epsilon", node.real("epsilon", static_cast<double>(1e-5f))}}))
      return *result;
  return node.add_as_given(node.node().op_type + "Any");
}

Values mean_variance_normalization(NodeImport& node) {
  require_known(node, {"axes"});
  const std::vector<std::int64_t> given = node.integers("axes");
  const std::string axes = given.empty() ? "0,2,3" : integers_text(given);
  return node.add_node("MeanVarianceNormalization", node.inputs(), {{"axes", axes}});
}

Values attention(NodeImport& node) {
  if (node.has_attribute("scale") && node.real("scale", 0) < 0) node.unsupported("its scale is negative");
  return node.add_as_given("AttentionAny");
}

/// A matrix of f32 that is known now, transposed.
ValueId transposed(NodeImport& node, const lathe::Value& matrix) {
  const auto rows = static_cast<std::size_t>(matrix.data.shape[0]);
  const auto columns = static_cast<std::size_t>(matrix.data.shape[1]);
  const auto copy = std::make_shared<std::vector<float>>(std::max<std::size_t>(rows * columns, 1));
  const auto* from = reinterpret_cast<const float*>(matrix.data.data);
  for (std::size_t row = 0; row < rows; ++row)
    for (std::size_t column = 0; column < columns; ++column)
      (*copy)[column * rows + row] = from[row * columns + column];
  const auto* bytes = reinterpret_cast<const std::byte*>(copy->data());
  return node.constant({bytes, Dtype::f32, {matrix.data.shape[1], matrix.data.shape[0]}}, copy);
}

/// With constant weights the packed product of language models; its bias is added behind it.
Values gemm(NodeImport& node) {
  require_known(node, {"alpha", "beta", "transA", "transB", "broadcast"});
  const lathe::Value weight = node.graph().value(node.inputs().at(1));
  const bool constant = weight.kind == ValueKind::constant && weight.data.shape.size() == 2 &&
                        weight.data.data != nullptr && element_count(weight.data.shape) > 0;
  const bool simple =
      node.real("alpha", 1) == 1 && node.real("beta", 1) == 1 && node.integer("transA", 0) == 0;
  if (constant && simple && node.all_f32() && is_plain(node, 0)) {
    const ValueId matrix = node.integer("transB", 0) != 0 ? node.inputs()[1] : transposed(node, weight);
    if (const auto product = try_row(node, "Linear", {node.inputs()[0], matrix}, {})) {
      if (!node.has(2)) return *product;
      if (const auto sum = try_row(node, "Add", {product->at(0), node.inputs()[2]}, {})) return *sum;
    }
  }
  Attributes attributes = {{"alpha", node.real("alpha", 1)},
                           {"beta", node.real("beta", 1)},
                           {"transA", node.integer("transA", 0)},
                           {"transB", node.integer("transB", 0)}};
  return node.add_node("Gemm", node.inputs(), std::move(attributes));
}

/// Attributes of text have an empty default in rows.
Values with_default(NodeImport& node, std::string_view attribute, std::string value, Attributes others) {
  if (others.contains("outputs"))
    others["outputs"] = static_cast<std::int64_t>(std::max<std::size_t>(node.wanted_outputs(), 1));
  others[std::string(attribute)] = node.text(attribute, std::move(value));
  return node.add_node(node.node().op_type, node.inputs(), std::move(others));
}

Values class_loss(NodeImport& node) {
  require_known(node, {"ignore_index", "reduction"});
  Attributes attributes;
  if (node.has_attribute("ignore_index")) attributes["ignore_index"] = node.integer("ignore_index", 0);
  if (node.node().op_type == "SoftmaxCrossEntropyLoss") attributes["outputs"] = std::int64_t{1};
  return with_default(node, "reduction", "mean", std::move(attributes));
}

Values linear_attention(NodeImport& node) {
  require_known(node, {"chunk_size", "kv_num_heads", "q_num_heads", "scale", "update_rule"});
  return with_default(node, "update_rule", "gated_delta",
                      {{"kv_num_heads", node.integer("kv_num_heads", 0)},
                       {"q_num_heads", node.integer("q_num_heads", 0)},
                       {"scale", node.real("scale", 0)},
                       {"outputs", std::int64_t{1}}});
}

/// ONNX's number of an element type as ours.
void set_dtype(NodeImport& node, Attributes& attributes, const std::string& name) {
  const std::int64_t number = node.integer(name, 0);
  if (number == 0) return;
  const auto last = static_cast<std::int64_t>(DataType::int2);
  const auto dtype = number > 0 && number <= last ? dtype_of(static_cast<DataType>(number)) : std::nullopt;
  if (!dtype) node.unsupported("its " + name + " " + std::to_string(number) + " is not known");
  attributes[name] = static_cast<std::int64_t>(*dtype);
}

Values quantize(NodeImport& node) {
  require_known(node, {"axis", "block_size", "output_dtype", "precision", "saturate"});
  Attributes attributes = {{"axis", node.integer("axis", 1)}, {"block_size", node.integer("block_size", 0)}};
  set_dtype(node, attributes, "output_dtype");
  if (node.node().op_type == "QuantizeLinear") {
    set_dtype(node, attributes, "precision");
    attributes["saturate"] = node.integer("saturate", 1);
  }
  return node.add_node(node.node().op_type, node.inputs(), std::move(attributes));
}

/// Without graphs that change scores.
Values flex_attention(NodeImport& node) {
  require_known(node, {"scale", "softmax_precision"});
  Attributes attributes;
  if (node.has_attribute("scale")) {
    if (node.real("scale", 0) < 0) node.unsupported("its scale is negative");
    attributes["scale"] = node.real("scale", 0);
  }
  const bool is_short = node.type(0).dtype == Dtype::f16 || node.type(0).dtype == Dtype::bf16;
  attributes["softmax_precision"] = node.integer("softmax_precision", is_short ? 1 : 0);
  return node.add_node("AttentionAny", node.inputs(), std::move(attributes));
}

}  // namespace

std::span<const Lowering> product_lowerings() {
  static const Lowering kLowerings[] = {
      {"", "Attention", attention},
      {"", "DequantizeLinear", quantize},
      {"", "GRU", lower_recurrence},
      {"", "Gemm", gemm},
      {"", "LSTM", lower_recurrence},
      {"", "LayerNormalization", layer_normalization},
      {"", "LinearAttention", linear_attention},
      {"", "LogSoftmax", softmax},
      {"", "MeanVarianceNormalization", mean_variance_normalization},
      {"", "NegativeLogLikelihoodLoss", class_loss},
      {"", "QuantizeLinear", quantize},
      {"", "RMSNormalization", layer_normalization},
      {"", "RNN", lower_recurrence},
      {"", "ReduceL1", reduce},
      {"", "ReduceL2", reduce},
      {"", "ReduceLogSum", reduce},
      {"", "ReduceLogSumExp", reduce},
      {"", "ReduceMax", reduce},
      {"", "ReduceMean", reduce},
      {"", "ReduceMin", reduce},
      {"", "ReduceProd", reduce},
      {"", "ReduceSum", reduce},
      {"", "ReduceSumSquare", reduce},
      {"", "Softmax", softmax},
      {"", "SoftmaxCrossEntropyLoss", class_loss},
      {"ai.onnx.preview", "FlexAttention", flex_attention},
  };
  return kLowerings;
}

}  // namespace lathe::onnx
