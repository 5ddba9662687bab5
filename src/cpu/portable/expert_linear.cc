// ExpertLinear: x f32 or bf16 [T, K] or [T, k, K], weight [E, N, K] in a layout that Linear multiplies with
// it, experts i32[T, k] -> f32[T, k, N]. Slot (t, j) is its row times the transposed matrix of expert
// experts[t, j], which lies in 0 to E - 1; experts that nobody chose are not read. The arithmetic of Linear.
#include <array>
#include <span>
#include <string>
#include <utility>

#include "backend/kernel.h"
#include "cpu/expert_matmul.h"
#include "cpu/portable/float_multiply.h"

namespace lathe::portable {
namespace {

std::int64_t bytes_of_row(const FloatProduct& product, const KernelCall& call) {
  return product.row_bytes(call.inputs[1].dims[2]);
}

template <std::size_t kIndex>
void expert_linear(const KernelCall& call) {
  const FloatProduct& product = kFloatProducts[kIndex];
  multiply_experts(call, {product.layout, bytes_of_row(product, call), product.multiply});
}

template <std::size_t kIndex>
std::size_t scratch_bytes(const KernelCall& call) {
  const std::int64_t row_bytes = bytes_of_row(kFloatProducts[kIndex], call);
  return static_cast<std::size_t>(expert_scratch(expert_shape(call), row_bytes).bytes);
}

template <std::size_t kIndex>
bool accepts(const NodeTypes& types) {
  constexpr FloatProduct kProduct = kFloatProducts[kIndex];
  return types.inputs.size() == 3 && types.inputs[0].dtype == kProduct.activation &&
         types.inputs[1].dtype == kProduct.weight && types.inputs[1].dims.size() == 3 &&
         types.inputs[2].dtype == Dtype::i32;
}

template <std::size_t... kIndex>
auto all_products(std::index_sequence<kIndex...>) {
  return std::array{Kernel{.name = std::string("portable.expert_linear.") + kFloatProducts[kIndex].name,
                           .op = "ExpertLinear",
                           .arithmetic = kFloatProducts[kIndex].arithmetic,
                           .accepts = accepts<kIndex>,
                           .run = expert_linear<kIndex>,
                           .scratch_bytes = scratch_bytes<kIndex>}...};
}

}  // namespace

std::span<const Kernel> expert_linear_kernels() {
  static const auto kKernels = all_products(std::make_index_sequence<std::size(kFloatProducts)>());
  return kKernels;
}

}  // namespace lathe::portable
