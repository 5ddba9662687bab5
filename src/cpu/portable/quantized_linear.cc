// QuantizedLinear: 8-bit activations times packed weights, summed as integers within blocks of 32 columns.
// Arithmetic "int8": one float accumulator per output; per block, ascending,
//   t = fma(s, float(sum of a * w), m * float(sum of w)); acc = fma(scale, t, acc); acc = fma(minimum, x,
//   acc)
// with the activation block's scale s, minimum m and sum x, the last step only in layouts with minima. Where
// a layout has a scale per 16 columns, t and the first fma are done for each half.
#include <span>

#include "backend/kernel.h"
#include "cpu/matmul_shape.h"
#include "cpu/portable/packed_codes.h"
#include "cpu/portable/quantized_multiply.h"

namespace lathe::portable {
namespace {

void quantized_linear(const KernelCall& call) {
  const MatmulShape shape = matmul_shape(call);
  for (std::int64_t chunk = 0; chunk < chunk_count(shape); ++chunk)
    multiply_chunk(call, shape, chunk_groups(shape, chunk, call.thread, call.threads),
                   chunk_tokens(shape, chunk));
}

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
          .run = quantized_linear};
}

}  // namespace

std::span<const Kernel> quantized_linear_kernels() {
  static const Kernel kKernels[] = {kernel<Dtype::packed4>(),  kernel<Dtype::packed4m>(),
                                    kernel<Dtype::packed5>(),  kernel<Dtype::packed5m>(),
                                    kernel<Dtype::packed8>(),  kernel<Dtype::packed4k>(),
                                    kernel<Dtype::packed5k>(), kernel<Dtype::packed6k>()};
  return kKernels;
}

}  // namespace lathe::portable
