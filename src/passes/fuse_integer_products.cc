// Cast(ConvInteger(x, w, x_zero, w_zero)) * factors    ->  ConvCodes(x, w - w_zero, factors, ...)
// Cast(MatMulInteger(x, w, x_zero, w_zero)) * factors  ->  LinearCodes(x, w - w_zero, factors, ...)
//
// with what stands behind them (code_chain.h): what exporters write behind DynamicQuantizeLinear, whose scale
// and zero a run computes. The Cast is to float32; factors are one number, or one for each row of w, or there
// are none. w is a constant around zeros that fit into i8.
//
// Bit-equal: the sums fit into 32 bits, and each operation behind them is rounded as before.
#include <set>

#include "passes/code_chain.h"
#include "passes/constants.h"
#include "passes/pass.h"
#include "passes/product_codes.h"
#include "passes/rewrite.h"

namespace lathe {
namespace {

bool is_one(const Dims& dims) { return dims.empty() || (dims.size() == 1 && dims[0] == Dim(1)); }

ValueId input(const Graph& graph, const Node& node, std::size_t i) {
  const bool given = i < node.inputs.size() && graph.value(node.inputs[i]).type.dtype != Dtype::none;
  return given ? node.inputs[i] : kNoValue;
}

/// The node of the op that alone reads what the node at `position` computes.
std::optional<std::size_t> only_reader(const Graph& graph, const Uses& uses, std::size_t position,
                                       std::string_view op) {
  const auto reader = uses.only_reader(graph.nodes[position].outputs[0]);
  if (reader < 0 || graph.nodes[static_cast<std::size_t>(reader)].op->name != op) return std::nullopt;
  return static_cast<std::size_t>(reader);
}

/// Whether the f32 value broadcasts to `result` as one number, or as one for each row along `axis`.
bool is_of_rows(const Graph& graph, ValueId id, const Dims& result, std::size_t axis) {
  const auto& type = graph.value(id).type;
  if (type.dtype != Dtype::f32 || !type.ranked || type.dims.size() > result.size()) return false;
  for (std::size_t i = 0; i < type.dims.size(); ++i) {
    const std::size_t of_result = result.size() - type.dims.size() + i;
    if (!(type.dims[i] == Dim(1)) && !(of_result == axis && type.dims[i] == result[axis])) return false;
  }
  return true;
}

bool fuse(Graph& graph, const Uses& uses, std::size_t position) {
  const Node product = graph.nodes[position];
  const auto cast = only_reader(graph, uses, position, "Cast");
  if (!cast || graph.nodes[*cast].text("to") != "f32") return false;
  const Dims dims = graph.value(product.outputs[0]).type.dims;
  if (!is_planned(graph.value(product.outputs[0]).type) || dims.empty()) return false;
  CodeOperands operands;
  operands.x = product.inputs[0];
  operands.x_zero = input(graph, product, 2);
  if (operands.x_zero != kNoValue && !is_one(graph.value(operands.x_zero).type.dims)) return false;
  const bool by_columns = !is_convolution(product);
  operands.weight = integer_weight(graph, product.inputs[1], input(graph, product, 3), by_columns);
  if (operands.weight == kNoValue) return false;
  if (operands.x_zero == kNoValue)
    operands.x_zero = zero_of(graph, {.dtype = graph.value(operands.x).type.dtype});

  std::size_t last = *cast;
  if (const auto scaled = only_reader(graph, uses, last, "Mul")) {
    const Node& multiply = graph.nodes[*scaled];
    const ValueId sum = graph.nodes[last].outputs[0];
    const ValueId factors = multiply.inputs[multiply.inputs[0] == sum ? 1 : 0];
    if (is_of_rows(graph, factors, dims, rows_axis(product, dims))) {
      operands.factors = factors;
      last = *scaled;
    }
  }
  if (operands.factors == kNoValue) operands.factors = add_numbers(graph, "one", {1.0f});
  return fuse_code_chain(graph, uses, product, last, operands);
}

/// Fuses the first product that was not tried before.
bool fuse_next(Graph& graph, std::set<ValueId>& tried) {
  const Uses uses(graph);
  for (std::size_t position = 0; position < graph.nodes.size(); ++position) {
    const Node& node = graph.nodes[position];
    if (node.op->name != "ConvInteger" && node.op->name != "MatMulInteger") continue;
    if (tried.insert(node.outputs[0]).second && fuse(graph, uses, position)) return true;
  }
  return false;
}

}  // namespace

bool fuse_integer_products(Graph& graph, const PassContext&) {
  std::set<ValueId> tried;  // results of products
  bool changed = false;
  for (; fuse_next(graph, tried); changed = true) remove_unused_nodes(graph);
  return changed;
}

}  // namespace lathe
