// Shape rules: what passes fuse out of ops on rows.
#include "base/error.h"
#include "graph/fused_program_text.h"
#include "graph/shape_check.h"
#include "graph/shape_rules.h"

namespace lathe::shape_rules {
namespace {

FusedProgram program_of(const ShapeCheck& check, const Node& node) {
  try {
    return parse_fused_program(node.text("program"));
  } catch (const Error& error) {
    check.fail(error.what());
  }
}

}  // namespace

Types row_program(Inputs inputs, const Node& node) {
  const ShapeCheck check(
      inputs, node,
      {"x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15"});
  const FusedProgram program = program_of(check, node);
  if (program.products != 0) check.fail("a program of rows has no products w0, w1, ...");
  if (program.inputs != static_cast<std::int32_t>(inputs.size()))
    check.fail("the program reads x0 to x" + std::to_string(program.inputs - 1) + ", and there are " +
               std::to_string(inputs.size()) + " inputs");
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    check.require_dtype(i, Dtype::f32);
    if (!fits_rows(check.type(0).dims, check.type(i).dims))
      check.fail_input(i, "must have the shape of x0, " + to_string(check.type(0)) +
                              ", or be one number or one row of it");
  }
  if (program.reduces && check.type(0).dims.empty()) check.fail_input(0, "must have at least one dimension");
  Types results;
  for (int i = 0; i < program.outputs; ++i) {
    ValueType result = check.type(0);
    if (program.quantized[i]) {
      result.dtype = Dtype::a8;
      if (result.dims.size() != 3) check.require_rank(0, 2);
      if (const auto problem = type_problem(result); !problem.empty()) check.fail_input(0, problem);
    }
    results.push_back(std::move(result));
  }
  return results;
}

}  // namespace lathe::shape_rules
