// MatMul(x, W) with a constant W [K, N]  ->  Linear(x, W transposed)
// Gemm(x, W, c) with a constant W        ->  Add(Linear(x, W transposed or as it lies), c)
//
// Linear's weights are packed when the plan is made and have kernels for every instruction set. x of more
// than two axes is seen as [rows, K] and its result as before. Within 1e-6 of the products' sum of
// magnitudes: sums of 32 products at a time, where MatMul has one chain.
#include "graph/dim_expression.h"
#include "graph/text_lists.h"
#include "passes/constants.h"
#include "passes/pass.h"
#include "passes/rewrite.h"

namespace lathe {
namespace {

bool is_weight(const Value& value) {
  return value.kind == ValueKind::constant && value.data.data != nullptr && value.type.dtype == Dtype::f32 &&
         value.type.dims.size() == 2;
}

/// Whether the product of all axes but the last is known ahead of a run, and not 0.
bool has_rows(const Dims& dims) {
  Dim rows = 1;
  for (std::size_t i = 0; i + 1 < dims.size(); ++i) rows = product_of(rows, dims[i]);
  return !rows.is_unknown() && rows != Dim(0);
}

std::vector<ConstantData> transposed(const Value& value) {
  const auto rows = static_cast<std::size_t>(value.data.shape[0]);
  const auto columns = static_cast<std::size_t>(value.data.shape[1]);
  const auto numbers = std::make_shared<std::vector<float>>(rows * columns);
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < columns; ++j)
      (*numbers)[j * rows + i] = constant_element(value, i * columns + j);
  const TensorView view{reinterpret_cast<const std::byte*>(numbers->data()),
                        Dtype::f32,
                        {value.data.shape[1], value.data.shape[0]}};
  return {{view, numbers}};
}

ValueId add_transposed(Graph& graph, ValueId weight, const PassContext& context) {
  const Value value = graph.value(weight);
  const auto made = derive(context.derived, value, "transposed", [&value] { return transposed(value); });
  return graph.add_constant(value.name + ".transposed", made[0].data, made[0].owner);
}

/// Gemm(x, W, c) with nothing but a product and a sum.
bool rewrite_gemm(Graph& graph, std::size_t position, const PassContext& context) {
  const Node node = graph.nodes[position];
  const bool plain = node.real("alpha") == 1 && node.real("beta") == 1 && node.integer("transA") == 0 &&
                     is_weight(graph.value(node.inputs[1]));
  const auto& type = graph.value(node.outputs[0]).type;
  const Dims x = graph.value(node.inputs[0]).type.dims;
  if (!plain || type.dtype != Dtype::f32 || x.size() != 2 || x[0] == Dim(0) || x[1] == Dim(0) ||
      type.dims[1] == Dim(0))
    return false;
  const ValueId weight =
      node.integer("transB") != 0 ? node.inputs[1] : add_transposed(graph, node.inputs[1], context);
  if (node.inputs.size() == 2) return replace_node(graph, position, {"Linear", {node.inputs[0], weight}, {}});
  const ValueId sum = insert_node(graph, position++, "Linear", {node.inputs[0], weight}, {});
  return replace_node(graph, position, {"Add", {sum, node.inputs[2]}, {}});
}

bool rewrite(Graph& graph, std::size_t position, const PassContext& context) {
  if (graph.nodes[position].op->name == "Gemm") return rewrite_gemm(graph, position, context);
  const Node node = graph.nodes[position];
  if (node.op->name != "MatMul" || !is_weight(graph.value(node.inputs[1]))) return false;
  const Dims x = graph.value(node.inputs[0]).type.dims;
  const Dims y = graph.value(node.outputs[0]).type.dims;
  const auto shape = dims_text(y);
  if (x.size() < 2 || x.back() == Dim(0) || y.back() == Dim(0) || !has_rows(x) || !shape) return false;
  const ValueId weight = add_transposed(graph, node.inputs[1], context);
  if (x.size() == 2) return replace_node(graph, position, {"Linear", {node.inputs[0], weight}, {}});
  const auto rows =
      insert_node(graph, position++, "Reshape", {node.inputs[0]}, {{"shape", "-1, " + to_string(x.back())}});
  const auto product = insert_node(graph, position++, "Linear", {rows, weight}, {});
  return replace_node(graph, position, {"Reshape", {product}, {{"shape", *shape}}});
}

}  // namespace

bool matmul_to_linear(Graph& graph, const PassContext& context) {
  bool changed = false;
  for (std::size_t position = 0; position < graph.nodes.size(); ++position)
    changed |= rewrite(graph, position, context);
  return changed;
}

}  // namespace lathe
