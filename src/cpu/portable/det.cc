// Det: determinants of matrices [..., N, N], by elimination with the greatest element of each column, in
// double.
#include "cpu/portable/typed.h"

namespace lathe::portable {
namespace {

double eliminate(double* matrix, std::int64_t n) {
  double determinant = 1;
  for (std::int64_t column = 0; column < n; ++column) {
    std::int64_t pivot = column;
    for (std::int64_t row = column + 1; row < n; ++row)
      if (std::fabs(matrix[row * n + column]) > std::fabs(matrix[pivot * n + column])) pivot = row;
    const double factor = matrix[pivot * n + column];
    if (factor == 0) return 0;
    if (pivot != column) {
      std::swap_ranges(matrix + pivot * n, matrix + (pivot + 1) * n, matrix + column * n);
      determinant = -determinant;
    }
    determinant *= factor;
    for (std::int64_t row = column + 1; row < n; ++row) {
      const double ratio = matrix[row * n + column] / factor;
      for (std::int64_t k = column; k < n; ++k) matrix[row * n + k] -= ratio * matrix[column * n + k];
    }
  }
  return determinant;
}

struct Det {
  template <class T>
  static void run(const KernelCall& call) {
    const std::int64_t n = column_count(call.inputs[0]);
    auto* matrix = static_cast<double*>(call.scratch);
    const Share share = share_of(call, element_count(call.outputs[0]));
    for (std::int64_t i = share.begin; i < share.end; ++i) {
      const T* x = data_of<const T>(call.inputs[0]) + i * n * n;
      for (std::int64_t k = 0; k < n * n; ++k) matrix[k] = static_cast<double>(load(x[k]));
      data_of<T>(call.outputs[0])[i] = static_cast<T>(static_cast<Computed<T>>(eliminate(matrix, n)));
    }
  }
};

std::size_t scratch_bytes(const KernelCall& call) {
  const auto n = static_cast<std::size_t>(column_count(call.inputs[0]));
  return n * n * sizeof(double);
}

bool serial(const KernelCall& call) { return is_small(call.inputs[0], 1024); }

}  // namespace

std::span<const Kernel> det_kernels() {
  using Function = Typed<Det, FloatTypes>;
  static const Kernel kKernels[] = {{.name = "portable.det",
                                     .op = "Det",
                                     .arithmetic = "any",
                                     .accepts = Function::accepts,
                                     .run = Function::run,
                                     .scratch_bytes = scratch_bytes,
                                     .serial = serial}};
  return kKernels;
}

}  // namespace lathe::portable
