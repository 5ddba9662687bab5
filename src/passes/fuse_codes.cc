// DequantizeLinear(x), DequantizeLinear(w) -> Conv                    ->  ConvCodes(x, w, ...)
// DequantizeLinear(x), DequantizeLinear(w) -> Gemm | Linear | MatMul  ->  LinearCodes(x, w, ...)
//
// with what stands behind the product, in this order, each read by the next alone (code_chain.h):
//   Add of a constant number for each row of w -> Add of what has the product's shape, dequantized or not
//   -> Relu | Clip -> QuantizeLinear
//
// x is i8 or u8 with one scale and zero that are known ahead (tensor_codes.h), w a constant
// (product_codes.h). Sums of products are exact, where float32 rounds each of them: a code of y differs by
// one at most, and only where float32 has y / scale within 1e-5 of the sum of magnitudes of the middle
// between two codes.
#include <set>

#include "passes/code_chain.h"
#include "passes/pass.h"
#include "passes/product_codes.h"
#include "passes/rewrite.h"

namespace lathe {
namespace {

bool has_bias(const Graph& graph, const Node& product) {
  return product.inputs.size() > 2 && graph.value(product.inputs[2]).type.dtype != Dtype::none;
}

/// Whether the product is one that the ops on codes compute; of Gemm the plain product, with one number for
/// each row.
bool is_known_form(const Graph& graph, const Node& product) {
  const auto& y = graph.value(product.outputs[0]).type;
  if (y.dtype != Dtype::f32 || !is_planned(y) || y.dims.empty()) return false;
  if (product.op->name != "Gemm") return !graph.value(product.inputs[0]).type.dims.empty();
  return product.real("alpha") == 1 && product.real("beta") == 1 && product.integer("transA") == 0 &&
         (!has_bias(graph, product) || is_constant_of_rows(graph, product.inputs[2], 2, 1, y.dims[1].value));
}

bool fuse(Graph& graph, const Uses& uses, std::size_t position) {
  const Node product = graph.nodes[position];
  if (!is_known_form(graph, product)) return false;
  CodeOperands operands;
  const auto scale = dequantized(graph, uses, product.inputs[0], operands.x);
  const auto weight = scale ? weight_codes(graph, uses, product, scale->step) : std::nullopt;
  if (!weight) return false;
  operands.weight = weight->codes;
  operands.factors = weight->factors;
  operands.x_zero = zero_of(graph, *scale);
  if (has_bias(graph, product)) {
    operands.bias = product.inputs[2];
    if (!is_convolution(product))
      operands.bias = constant_of_rows(graph, operands.bias, graph.value(weight->codes).data.shape[0]);
  }
  return fuse_code_chain(graph, uses, product, position, operands);
}

/// Fuses the first product that was not tried before.
bool fuse_next(Graph& graph, std::set<ValueId>& tried) {
  const Uses uses(graph);
  for (std::size_t position = 0; position < graph.nodes.size(); ++position) {
    const Node& node = graph.nodes[position];
    if (is_product(node) && tried.insert(node.outputs[0]).second && fuse(graph, uses, position)) return true;
  }
  return false;
}

}  // namespace

bool fuse_codes(Graph& graph, const PassContext&) {
  std::set<ValueId> tried;  // results of products
  bool changed = false;
  for (; fuse_next(graph, tried); changed = true) remove_unused_nodes(graph);
  return changed;
}

}  // namespace lathe
