// Linear: float activations times packed_f32 weights, [group][column][16 rows].
// Arithmetic "f32": per output, blocks of 32 columns (the last may be short), ascending: within a block one
// chain b = fma(w, x, b) from 0 over ascending columns, then acc = acc + b.
#include <span>

#include "backend/kernel.h"
#include "cpu/portable/float_multiply.h"
#include "cpu/portable/matmul_variants.h"

namespace lathe::portable {
namespace {

void linear(const KernelCall& call) { multiply_in_chunks(call, multiply_float_chunk); }

bool accepts(const NodeTypes& types) {
  return types.inputs.size() == 2 && types.inputs[0].dtype == Dtype::f32 &&
         types.inputs[0].dims.size() == 2 && types.inputs[1].dtype == Dtype::packed_f32 &&
         types.inputs[1].dims.size() == 2;
}

}  // namespace

std::span<const Kernel> linear_kernels() {
  static const Kernel kKernels[] = {{.name = "portable.linear.packed_f32",
                                     .op = "Linear",
                                     .arithmetic = "f32",
                                     .accepts = accepts,
                                     .run = linear,
                                     .variants = kMatmulVariants}};
  return kKernels;
}

}  // namespace lathe::portable
