// MatMul: a [..., M, K] times b [..., K, N], leading axes broadcast; a vector is a row on the left and a
// column on the right. Each output is one chain of fused multiply-adds over ascending K from 0.
#include <cmath>

#include "cpu/portable/strided.h"

namespace lathe::portable {
namespace {

constexpr std::int64_t kTile = 64;  // columns whose sums are held together

/// y[n] for the `count` columns of b, which has `columns` in a row.
void multiply_row(const float* a, const float* b, float* y, std::int64_t inner, std::int64_t columns) {
  for (std::int64_t first = 0; first < columns; first += kTile) {
    const std::int64_t count = std::min(kTile, columns - first);
    float sums[kTile] = {};
    for (std::int64_t k = 0; k < inner; ++k)
      for (std::int64_t n = 0; n < count; ++n) sums[n] = std::fma(a[k], b[k * columns + first + n], sums[n]);
    std::copy(sums, sums + count, y + first);
  }
}

/// The leading axes alone; strides count whole matrices.
TensorArg leading(const TensorArg& tensor, int matrix_axes) {
  TensorArg result = tensor;
  result.rank = std::max(0, tensor.rank - matrix_axes);
  return result;
}

void run(const KernelCall& call) {
  const auto& a = call.inputs[0];
  const auto& b = call.inputs[1];
  const std::int64_t inner = column_count(a);
  const std::int64_t rows = a.rank > 1 ? a.dims[a.rank - 2] : 1;
  const std::int64_t columns = b.rank > 1 ? b.dims[b.rank - 1] : 1;
  const int output_axes = (a.rank > 1 ? 1 : 0) + (b.rank > 1 ? 1 : 0);
  const TensorArg batch = leading(call.outputs[0], output_axes);
  const Strides a_strides = broadcast_strides(leading(a, 2), batch);
  const Strides b_strides = broadcast_strides(leading(b, 2), batch);
  const Share share = share_of(call, columns == 0 ? 0 : element_count(batch) * rows);
  for (std::int64_t i = share.begin; i < share.end; ++i) {
    std::int64_t rest = i / rows;
    std::int64_t a_matrix = 0;
    std::int64_t b_matrix = 0;
    for (int axis = batch.rank - 1; axis >= 0; --axis) {
      const std::int64_t index = rest % batch.dims[axis];
      rest /= batch.dims[axis];
      a_matrix += index * a_strides[static_cast<std::size_t>(axis)];
      b_matrix += index * b_strides[static_cast<std::size_t>(axis)];
    }
    multiply_row(data_of<const float>(a) + (a_matrix * rows + i % rows) * inner,
                 data_of<const float>(b) + b_matrix * inner * columns,
                 data_of<float>(call.outputs[0]) + i * columns, inner, columns);
  }
}

bool serial(const KernelCall& call) {
  return element_count(call.outputs[0]) * column_count(call.inputs[0]) <= 65536;
}

}  // namespace

std::span<const Kernel> mat_mul_kernels() {
  static const Kernel kKernels[] = {{.name = "portable.mat_mul",
                                     .op = "MatMul",
                                     .arithmetic = "f32",
                                     .accepts = accepts_f32,
                                     .run = run,
                                     .serial = serial}};
  return kKernels;
}

}  // namespace lathe::portable
