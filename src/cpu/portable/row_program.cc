// RowProgram: a chain of ops on rows as one (graph/fused_program.h). x0 [..., D] and inputs of its shape, of
// one row of it, or of one number -> outputs of x0's shape, as float32 or as 8-bit codes. The first output
// may be x0.
//
// Functions have the arithmetic of the ops of their names: Add, Mul, Sub, Div, Max, Min, Swish, Gelu with
// approximate 0 and 1, Tanh, Sigmoid, Relu, Clip, LeakyRelu, HardSigmoid, HardSwish, Exp, Erf, Abs, Neg,
// Sqrt, Reciprocal, RMSNormalization, LayerNormalization and QuantizeActivation. Every number has the bits
// that the separate nodes give it. cpu/row_program.h has the order of the work.
#include "cpu/row_program.h"

#include <algorithm>

#include "cpu/portable/kernel_arguments.h"
#include "cpu/portable/row_program_functions.h"
#include "graph/fused_program_text.h"

namespace lathe::portable {
namespace {

template <bool kReduces>
bool accepts(const NodeTypes& types) {
  const FusedProgram program = parse_fused_program(types.node->text("program"));
  for (std::size_t i = 0; i < types.outputs.size(); ++i)
    if (types.outputs[i].dtype != (program.quantized[i] ? Dtype::a8 : Dtype::f32)) return false;
  return all_f32(types.inputs) && program.reduces == kReduces;
}

std::size_t scratch_bytes(const KernelCall& call) {
  return static_cast<std::size_t>(row_program::scratch_bytes(call));
}

bool serial(const KernelCall& call) {
  const FusedProgram& program = *call.attributes[0].program;
  if (program.reduces) return has_few_rows(call.inputs[0], 1024);
  const auto works = [](const FusedInstruction& instruction) {
    return instruction.function == FusedFunction::quantize || is_unary(instruction.function);
  };
  const bool only_moves = std::none_of(program.instructions, program.instructions + program.count, works);
  return is_small(call.inputs[0], only_moves ? 4096 : 1024);
}

constexpr std::string_view kTileNames[] = {"tile1024", "tile256", "tile512", "tile2048"};
static_assert(std::size(kTileNames) == std::size(row_program::kTiles));

}  // namespace

std::span<const Kernel> row_program_kernels() {
  static const Kernel kKernels[] = {{.name = "portable.row_program.tiles",
                                     .op = "RowProgram",
                                     .arithmetic = "f32",
                                     .accepts = accepts<false>,
                                     .run = row_program::run<RowFunctions>,
                                     .scratch_bytes = scratch_bytes,
                                     .serial = serial,
                                     .variants = kTileNames,
                                     .in_place_input = 0},
                                    {.name = "portable.row_program.rows",
                                     .op = "RowProgram",
                                     .arithmetic = "f32",
                                     .accepts = accepts<true>,
                                     .run = row_program::run<RowFunctions>,
                                     .scratch_bytes = scratch_bytes,
                                     .serial = serial,
                                     .in_place_input = 0}};
  return kKernels;
}

}  // namespace lathe::portable
