// Linear: float activations times float weights in groups of 16 rows (quant/packed.h).
// Arithmetic "f32", of f32 activations: per output, blocks of 32 columns (the last may be short), ascending:
// within a block one chain b = fma(w, x, b) from 0 over ascending columns, then acc = acc + b. Weights of 16
// bits are widened, which is exact.
// Arithmetic "bf16", of bf16 activations: per output, pairs of columns ascending, one chain from 0:
//   acc = flush(fma(w[odd], x[odd], acc)); acc = flush(fma(w[even], x[even], acc))
// where numbers that are not normal count as zeros of their sign, in operands and results (flush), and an odd
// last column has a zero beside it. This is what the bf16 dot products of x86 do, to the bit.
#include <array>
#include <span>
#include <string>
#include <utility>

#include "backend/kernel.h"
#include "cpu/portable/float_multiply.h"
#include "cpu/portable/matmul_variants.h"

namespace lathe::portable {
namespace {

template <std::size_t kIndex>
void linear(const KernelCall& call) {
  multiply_in_chunks(call, kFloatProducts[kIndex].multiply);
}

template <std::size_t kIndex>
bool accepts(const NodeTypes& types) {
  constexpr FloatProduct kProduct = kFloatProducts[kIndex];
  return types.inputs.size() == 2 && types.inputs[0].dtype == kProduct.activation &&
         types.inputs[0].dims.size() == 2 && types.inputs[1].dtype == kProduct.weight &&
         types.inputs[1].dims.size() == 2;
}

template <std::size_t... kIndex>
auto all_products(std::index_sequence<kIndex...>) {
  return std::array{Kernel{.name = std::string("portable.linear.") + kFloatProducts[kIndex].name,
                           .op = "Linear",
                           .arithmetic = kFloatProducts[kIndex].arithmetic,
                           .accepts = accepts<kIndex>,
                           .run = linear<kIndex>,
                           .variants = kMatmulVariants}...};
}

}  // namespace

std::span<const Kernel> linear_kernels() {
  static const auto kKernels = all_products(std::make_index_sequence<std::size(kFloatProducts)>());
  return kKernels;
}

}  // namespace lathe::portable
