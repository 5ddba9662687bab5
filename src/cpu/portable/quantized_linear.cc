// QuantizedLinear: 8-bit activations times packed weights, summed as integers within blocks of 32 columns.
// Arithmetic "int8": one float accumulator per output; per block, ascending,
//   acc = fma(scale * s, float(sum of (u - z) * w), acc)
// with the activation block's scale s, zero z and codes u (the sum of integers is exact, and so is its
// float). Further, by the layout's factors (PackedFactors):
//   scale_and_minimum   acc = fma(minimum, x, acc) with the activation block's sum x
//   half_scales         t = scale * float(sum of u * w) of the low half, t = fma(scale, ..., t) of the high one
//                       and W likewise of the sums of w; acc = fma(s, t, acc), acc = fma(-z * s, W, acc)
//   integer_scales      w is the code times the integer scale of its half: one sum for all 32 columns.
//                       packed3k has w = (32 - scale) * (code - 4), which fits 8 bits, and the scale -d
//   ..._half_minima     as integer_scales, then acc = fma(minimum of the high half, x, acc) and
//                       acc = fma(minimum of the low half - that of the high half, x of the low half, acc):
//                       minima are dmin times an integer, so their difference is exact
#include <array>
#include <span>
#include <utility>

#include "backend/kernel.h"
#include "cpu/portable/matmul_variants.h"
#include "cpu/portable/packed_codes.h"
#include "cpu/portable/quantized_multiply.h"

namespace lathe::portable {
namespace {

void quantized_linear(const KernelCall& call) { multiply_in_chunks(call, multiply_chunk); }

template <Dtype kDtype>
bool accepts(const NodeTypes& types) {
  return types.inputs.size() == 2 && types.inputs[0].dtype == Dtype::a8 && types.inputs[0].dims.size() == 2 &&
         types.inputs[1].dtype == kDtype && types.inputs[1].dims.size() == 2 &&
         types.inputs[1].dims[1].value > 0 &&
         types.inputs[1].dims[1].value % packed_layout(kDtype).info.columns_per_record == 0;
}

template <Dtype kDtype>
Kernel kernel() {
  return {.name = "portable.quantized_linear." + std::string(info(kDtype).name),
          .op = "QuantizedLinear",
          .arithmetic = "int8",
          .accepts = accepts<kDtype>,
          .run = quantized_linear,
          .variants = kMatmulVariants};
}

template <std::size_t... kIndex>
auto all_layouts(std::index_sequence<kIndex...>) {
  return std::array{kernel<kPackedLayouts[kIndex].dtype>()...};
}

}  // namespace

std::span<const Kernel> quantized_linear_kernels() {
  static const auto kKernels = all_layouts(PackedLayoutIndices());
  return kKernels;
}

}  // namespace lathe::portable
