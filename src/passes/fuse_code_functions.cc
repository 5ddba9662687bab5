// DequantizeLinear(a), DequantizeLinear(b) -> Add | Sub | Mul -> QuantizeLinear  ->  AddCodes | SubCodes |
//                                                                                    MulCodes
//
// with a Relu or Clip in front of QuantizeLinear, each read by the next alone (code_tail.h). Codes are i8 or
// u8 with one scale and zero that are known ahead (tensor_codes.h).
//
// Bit-equal: the op rounds where the nodes do.
#include "graph/code_arithmetic.h"
#include "passes/code_tail.h"
#include "passes/pass.h"
#include "passes/rewrite.h"

namespace lathe {
namespace {

/// The op on codes that computes what the op does with numbers; empty where there is none.
std::string_view op_on_codes(std::string_view op) {
  if (op == "Add") return "AddCodes";
  if (op == "Sub") return "SubCodes";
  return op == "Mul" ? "MulCodes" : "";
}

bool fuse(Graph& graph, const Uses& uses, std::size_t position) {
  using namespace code_arithmetic;
  const Node node = graph.nodes[position];
  const auto op = op_on_codes(node.op->name);
  if (op.empty() || !is_planned(graph.value(node.outputs[0]).type)) return false;
  std::vector<ValueId> inputs(kInputs, kNoValue);
  const auto a = dequantized(graph, uses, node.inputs[0], inputs[kA]);
  const auto b = dequantized(graph, uses, node.inputs[1], inputs[kB]);
  if (!a || !b) return false;
  CodeTail tail(graph, uses, position);
  tail.take_limits();
  const auto y = tail.take_scale();
  if (!y) return false;
  const std::size_t last = tail.last();
  inputs[kAScale] = a->scale;
  inputs[kAZero] = zero_of(graph, *a);
  inputs[kBScale] = b->scale;
  inputs[kBZero] = zero_of(graph, *b);
  inputs[kYScale] = y->scale;
  inputs[kYZero] = zero_of(graph, *y);
  if (!replace_node(graph, last, {op, inputs, {{"least", tail.least()}, {"most", tail.most()}}}))
    return false;
  graph.nodes[last].name = node.name;
  return true;
}

bool fuse_next(Graph& graph) {
  const Uses uses(graph);
  for (std::size_t position = 0; position < graph.nodes.size(); ++position)
    if (fuse(graph, uses, position)) return true;
  return false;
}

}  // namespace

bool fuse_code_functions(Graph& graph, const PassContext&) {
  bool changed = false;
  for (; fuse_next(graph); changed = true) remove_unused_nodes(graph);
  return changed;
}

}  // namespace lathe
