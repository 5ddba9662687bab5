// Linear: float activations times packed_f32 weights, [group][column][16 rows].
// Arithmetic "f32": per output, blocks of 32 columns (the last may be short), ascending: within a block one
// chain b = fma(w, x, b) from 0 over ascending columns, then acc = acc + b.
#include <algorithm>
#include <cmath>
#include <span>

#include "backend/kernel.h"
#include "cpu/matmul_shape.h"

namespace lathe::portable {
namespace {

constexpr std::int64_t kBlockColumns = 32;

void linear(const KernelCall& call) {
  const MatmulShape shape = matmul_shape(call);
  const MatmulShare share = matmul_share(shape, call.thread, call.threads);
  const auto* inputs = static_cast<const float*>(call.inputs[0].data);
  const auto* weights = static_cast<const float*>(call.inputs[1].data);
  auto* output = static_cast<float*>(call.outputs[0].data);  // [tokens, rows]

  for (std::int64_t token = share.tokens.begin; token < share.tokens.end; ++token) {
    const float* x = inputs + token * shape.columns;
    for (std::int64_t group = share.groups.begin; group < share.groups.end; ++group) {
      float sums[kPackedRows] = {};
      for (std::int64_t begin = 0; begin < shape.columns; begin += kBlockColumns) {
        float block[kPackedRows] = {};
        for (std::int64_t column = begin; column < std::min(begin + kBlockColumns, shape.columns); ++column) {
          const float* w = weights + (group * shape.columns + column) * kPackedRows;
          for (int row = 0; row < kPackedRows; ++row) block[row] = std::fma(w[row], x[column], block[row]);
        }
        for (int row = 0; row < kPackedRows; ++row) sums[row] += block[row];
      }
      const std::int64_t first_row = group * kPackedRows;
      std::copy_n(sums, std::min<std::int64_t>(kPackedRows, shape.rows - first_row),
                  output + token * shape.rows + first_row);
    }
  }
}

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
                                     .run = linear}};
  return kKernels;
}

}  // namespace lathe::portable
