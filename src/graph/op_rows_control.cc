// Ops that run graphs of their own. A body reads nothing but its inputs: what it takes from around it stands
// behind the node's other inputs, and is handed on at each call.
#include "graph/op_rows.h"
#include "graph/shape_rules_control.h"

namespace lathe::op_rows {
namespace {

Op control_row(std::string_view name, int min_inputs, std::vector<AttributeSpec> attributes, int bodies,
               decltype(Op::infer_values) rule) {
  Op op =
      value_row(name, min_inputs, kManyInputs, kAnyOutputs, std::move(attributes), FusionKind::opaque, rule);
  op.bodies = bodies;
  return op;
}

}  // namespace

std::vector<Op> control_rows() {
  namespace rules = shape_rules;
  return {
      // (condition, what the first graph takes, what the second takes) -> outputs of the graph that was run
      control_row("If", 1, {{"then_inputs", kInteger, kRequired}}, 2, rules::if_else),
      // (most iterations, condition, carried values, what the body takes) -> carried values, scanned outputs.
      // The body: (iteration i64[], condition, carried, taken) -> condition, carried, scanned
      control_row("Loop", 2, {{"carried", kInteger, kRequired}}, 1, rules::loop),
      // (states, scanned inputs, what the body takes) -> states, scanned outputs.
      // The body: (states, one slice of each scanned input, taken) -> states, slices
      control_row("Scan", 1,
                  {{"states", kInteger, kRequired},
                   {"scanned", kInteger, kRequired},
                   {"input_axes", kText, 0},
                   {"input_directions", kText, 0},
                   {"output_axes", kText, 0},
                   {"output_directions", kText, 0}},
                  1, rules::scan),
  };
}

}  // namespace lathe::op_rows
