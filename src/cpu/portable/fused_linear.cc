// FusedLinear: products of one activation with several weights, and a program over them
// (graph/fused_program.h). x a8, f32 or bf16 [T, K]; weights w0.. [N, K], packed codes, blocks as files have
// them, or floats in a layout that Linear multiplies with such an x; then the program's inputs x0.., [T, N],
// [N] or [1] -> one output [T, N] for each of the program's, as float32 or as 8-bit codes. Arithmetic "int8",
// "f32" or "bf16": products are those of QuantizedLinear or Linear, functions those of RowProgram.
// cpu/fused_linear.h has the order of the work.
#include "cpu/fused_linear.h"

#include <algorithm>
#include <span>

#include "backend/kernel.h"
#include "cpu/portable/float_multiply.h"
#include "cpu/portable/matmul_variants.h"
#include "cpu/portable/quantized_multiply.h"
#include "cpu/portable/row_program_functions.h"
#include "graph/fused_program_text.h"

namespace lathe::portable {
namespace {

static_assert(kFirstPackedDtype == static_cast<std::int32_t>(Dtype::packed4));
static_assert(kFirstFloatDtype == static_cast<std::int32_t>(Dtype::packed_f32));
static_assert(kFirstBlockDtype == static_cast<std::int32_t>(Dtype::q4_0) &&
              kLastBlockDtype == static_cast<std::int32_t>(Dtype::q6_k));
static_assert(kCodeLayoutCount == std::size(kPackedLayouts));
static_assert([] {  // kernels look layouts up by their distance from the first
  for (std::size_t i = 0; i < std::size(kPackedLayouts); ++i)
    if (static_cast<std::size_t>(kPackedLayouts[i].dtype) != static_cast<std::size_t>(Dtype::packed4) + i)
      return false;
  return true;
}());

struct Codes : CodeActivations, RowFunctions {
  static LayoutMultiply multiply_of(std::int32_t dtype) {
    if (dtype < kFirstPackedDtype) return {multiply_blocks_chunk, blocks_layout(dtype)};
    return {multiply_chunk, packed_layout(static_cast<Dtype>(dtype)).info};
  }
};

struct Floats : FloatActivations, RowFunctions {
  static LayoutMultiply multiply_of(std::int32_t dtype) {
    const FloatProduct* product = float_product(Dtype::f32, static_cast<Dtype>(dtype));
    return {product->multiply, product->layout};
  }
};

struct Bf16 : Bf16Activations, RowFunctions {
  static LayoutMultiply multiply_of(std::int32_t dtype) {
    const FloatProduct* product = float_product(Dtype::bf16, static_cast<Dtype>(dtype));
    return {product->multiply, product->layout};
  }
};

bool is_weight(const ValueType& type, Dtype activation) {
  if (activation != Dtype::a8) return float_product(activation, type.dtype) != nullptr;
  if (is_block_quantized(type.dtype))
    return type.dims[1].value > 0 && type.dims[1].value % info(type.dtype).block_elements == 0;
  for (const auto& layout : kPackedLayouts)
    if (layout.dtype == type.dtype)
      return type.dims[1].value > 0 && type.dims[1].value % layout.info.columns_per_record == 0;
  return false;
}

template <Dtype kActivation>
bool accepts(const NodeTypes& types) {
  const FusedProgram program = parse_fused_program(types.node->text("program"));
  const auto products = static_cast<std::size_t>(program.products);
  if (types.inputs[0].dtype != kActivation) return false;
  for (std::size_t i = 0; i < products; ++i)
    if (!is_weight(types.inputs[1 + i], kActivation)) return false;
  for (std::size_t i = 0; i < types.outputs.size(); ++i)
    if (types.outputs[i].dtype != (program.quantized[i] ? Dtype::a8 : Dtype::f32)) return false;
  const auto extras = types.inputs.subspan(1 + products);
  return std::ranges::all_of(extras, [](const ValueType& type) { return type.dtype == Dtype::f32; });
}

}  // namespace

std::span<const Kernel> fused_linear_kernels() {
  static const Kernel kKernels[] = {{.name = "portable.fused_linear.codes",
                                     .op = "FusedLinear",
                                     .arithmetic = "int8",
                                     .accepts = accepts<Dtype::a8>,
                                     .run = fused_linear::run<Codes>,
                                     .scratch_bytes = fused_linear::scratch_bytes<Codes>,
                                     .variants = kMatmulVariants},
                                    {.name = "portable.fused_linear.f32",
                                     .op = "FusedLinear",
                                     .arithmetic = "f32",
                                     .accepts = accepts<Dtype::f32>,
                                     .run = fused_linear::run<Floats>,
                                     .scratch_bytes = fused_linear::scratch_bytes<Floats>,
                                     .variants = kMatmulVariants},
                                    {.name = "portable.fused_linear.bf16",
                                     .op = "FusedLinear",
                                     .arithmetic = "bf16",
                                     .accepts = accepts<Dtype::bf16>,
                                     .run = fused_linear::run<Bf16>,
                                     .scratch_bytes = fused_linear::scratch_bytes<Bf16>,
                                     .variants = kMatmulVariants}};
  return kKernels;
}

}  // namespace lathe::portable
