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

/// The 16 outputs of one group for one token. `weights` is [columns][16].
void multiply(const float* x, const float* weights, std::int64_t columns, float sums[kPackedRows]) {
  std::fill_n(sums, kPackedRows, 0.0f);
  for (std::int64_t begin = 0; begin < columns; begin += kBlockColumns) {
    float block[kPackedRows] = {};
    for (std::int64_t column = begin; column < std::min(begin + kBlockColumns, columns); ++column) {
      const float* w = weights + column * kPackedRows;
      for (int row = 0; row < kPackedRows; ++row) block[row] = std::fma(w[row], x[column], block[row]);
    }
    for (int row = 0; row < kPackedRows; ++row) sums[row] += block[row];
  }
}

void linear(const KernelCall& call) {
  const MatmulShape shape = matmul_shape(call);
  const auto* inputs = static_cast<const float*>(call.inputs[0].data);
  const auto* weights = static_cast<const float*>(call.inputs[1].data);
  auto* output = static_cast<float*>(call.outputs[0].data);  // [tokens, rows]
  for (std::int64_t chunk = 0; chunk < chunk_count(shape); ++chunk) {
    const Share groups = chunk_groups(shape, chunk, call.thread, call.threads);
    const Share tokens = chunk_tokens(shape, chunk);
    for (std::int64_t group = groups.begin; group < groups.end; ++group) {
      const std::int64_t first_row = group * kPackedRows;
      for (std::int64_t token = tokens.begin; token < tokens.end; ++token) {
        float sums[kPackedRows];
        multiply(inputs + token * shape.columns, weights + first_row * shape.columns, shape.columns, sums);
        std::copy_n(sums, std::min<std::int64_t>(kPackedRows, shape.rows - first_row),
                    output + token * shape.rows + first_row);
      }
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
