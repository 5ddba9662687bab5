// QuantizedExpertLinear: x a8[T, K] or a8[T, k, K], weight [E, N, K] packed, experts i32[T, k] -> f32[T, k,
// N], as ExpertLinear with the arithmetic of QuantizedLinear.
#include <array>
#include <span>
#include <utility>

#include "backend/kernel.h"
#include "cpu/expert_matmul.h"
#include "cpu/portable/quantized_multiply.h"

namespace lathe::portable {
namespace {

std::int64_t bytes_of_row(const KernelCall& call) { return activation_row_bytes(call.inputs[1].dims[2]); }

void quantized_expert_linear(const KernelCall& call) {
  const PackedLayout& layout = packed_layout(static_cast<Dtype>(call.inputs[1].dtype));
  multiply_experts(call, {layout.info, bytes_of_row(call), multiply_chunk});
}

std::size_t scratch_bytes(const KernelCall& call) {
  return static_cast<std::size_t>(expert_scratch(expert_shape(call), bytes_of_row(call)).bytes);
}

template <Dtype kDtype>
bool accepts(const NodeTypes& types) {
  return types.inputs.size() == 3 && types.inputs[0].dtype == Dtype::a8 && types.inputs[1].dtype == kDtype &&
         types.inputs[1].dims.size() == 3 && types.inputs[1].dims[2].value > 0 &&
         types.inputs[1].dims[2].value % packed_layout(kDtype).info.columns_per_record == 0 &&
         types.inputs[2].dtype == Dtype::i32;
}

template <Dtype kDtype>
Kernel kernel() {
  return {.name = "portable.quantized_expert_linear." + std::string(info(kDtype).name),
          .op = "QuantizedExpertLinear",
          .arithmetic = "int8",
          .accepts = accepts<kDtype>,
          .run = quantized_expert_linear,
          .scratch_bytes = scratch_bytes};
}

template <std::size_t... kIndex>
auto all_layouts(std::index_sequence<kIndex...>) {
  return std::array{kernel<kPackedLayouts[kIndex].dtype>()...};
}

}  // namespace

std::span<const Kernel> quantized_expert_linear_kernels() {
  static const auto kKernels = all_layouts(PackedLayoutIndices());
  return kKernels;
}

}  // namespace lathe::portable
