// MatMulAny: numpy's product of two tensors of any one type; leading axes broadcast, a vector is a row on the
// left and a column on the right. Gemm: alpha * a * b + beta * c of matrices, a and b as they lie or
// transposed. Whole numbers wrap. An output is one chain of sums over ascending K.
#include "cpu/portable/strided.h"
#include "cpu/portable/typed.h"

namespace lathe::portable {
namespace {

constexpr std::int64_t kTile = 64;  // columns whose sums are held together

/// Whole numbers are multiplied unsigned, for which overflow is defined.
template <class T>
using Factor = std::conditional_t<std::is_integral_v<T>, std::uint64_t, Computed<T>>;

/// Where the elements of a row, and the rows of its matrix, lie.
struct Layout {
  std::int64_t row_step;
  std::int64_t column_step;
};

/// Sums of a's row times `count` columns of b.
template <class T>
void multiply_tile(const T* a, std::int64_t a_step, const T* b, Layout layout, std::int64_t inner,
                   std::int64_t count, Factor<T>* sums) {
  std::fill_n(sums, count, Factor<T>{});
  for (std::int64_t k = 0; k < inner; ++k) {
    const auto factor = static_cast<Factor<T>>(load(a[k * a_step]));
    const T* row = b + k * layout.row_step;
    if (layout.column_step == 1) {
      for (std::int64_t n = 0; n < count; ++n) sums[n] += factor * static_cast<Factor<T>>(load(row[n]));
    } else {
      for (std::int64_t n = 0; n < count; ++n)
        sums[n] += factor * static_cast<Factor<T>>(load(row[n * layout.column_step]));
    }
  }
}

/// The leading axes alone; strides count whole matrices.
TensorArg leading(const TensorArg& tensor, int matrix_axes) {
  TensorArg result = tensor;
  result.rank = std::max(0, tensor.rank - matrix_axes);
  return result;
}

struct MatMul {
  template <class T>
  static void run(const KernelCall& call) {
    const auto& a = call.inputs[0];
    const auto& b = call.inputs[1];
    const std::int64_t inner = column_count(a);
    const std::int64_t rows = a.rank > 1 ? a.dims[a.rank - 2] : 1;
    const std::int64_t columns = b.rank > 1 ? b.dims[b.rank - 1] : 1;
    const TensorArg batch = leading(call.outputs[0], (a.rank > 1 ? 1 : 0) + (b.rank > 1 ? 1 : 0));
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
      const T* row = data_of<const T>(a) + (a_matrix * rows + i % rows) * inner;
      const T* matrix = data_of<const T>(b) + b_matrix * inner * columns;
      T* y = data_of<T>(call.outputs[0]) + i * columns;
      for (std::int64_t first = 0; first < columns; first += kTile) {
        const std::int64_t count = std::min(kTile, columns - first);
        Factor<T> sums[kTile];
        multiply_tile(row, 1, matrix + first, {columns, 1}, inner, count, sums);
        for (std::int64_t n = 0; n < count; ++n) y[first + n] = static_cast<T>(sums[n]);
      }
    }
  }
};

template <class T>
T scaled(Factor<T> product, double alpha, double c, double beta) {
  if constexpr (std::is_integral_v<T>)
    return from_real<T>(alpha * static_cast<double>(static_cast<T>(product)) + beta * c);
  else
    return static_cast<T>(static_cast<Computed<T>>(alpha) * product + static_cast<Computed<T>>(beta * c));
}

struct Gemm {
  template <class T>
  static void run(const KernelCall& call) {
    const auto& a = call.inputs[0];
    const auto& b = call.inputs[1];
    const auto& y = call.outputs[0];
    const double alpha = call.attributes[0].real;
    const double beta = call.attributes[1].real;
    const bool transposed_a = call.attributes[2].integer != 0;
    const bool transposed_b = call.attributes[3].integer != 0;
    const std::int64_t inner = a.dims[transposed_a ? 0 : 1];
    const Layout a_layout =
        transposed_a ? Layout{1, a.dims[1]} : Layout{a.dims[1], 1};  // of a as it is multiplied
    const Layout b_layout = transposed_b ? Layout{1, b.dims[1]} : Layout{b.dims[1], 1};
    const bool has_c = has_input(call, 2);
    const Strides c_strides = has_c ? broadcast_strides(call.inputs[2], y) : Strides{};
    const Share share = share_of(call, y.dims[0]);
    for (std::int64_t row = share.begin; row < share.end; ++row)
      for (std::int64_t first = 0; first < y.dims[1]; first += kTile) {
        const std::int64_t count = std::min(kTile, y.dims[1] - first);
        Factor<T> sums[kTile];
        multiply_tile(data_of<const T>(a) + row * a_layout.row_step, a_layout.column_step,
                      data_of<const T>(b) + first * b_layout.column_step, b_layout, inner, count, sums);
        for (std::int64_t n = 0; n < count; ++n) {
          const std::int64_t place = row * c_strides[0] + (first + n) * c_strides[1];
          const double c = has_c ? real_at(call.inputs[2], place) : 0.0;
          data_of<T>(y)[row * y.dims[1] + first + n] = scaled<T>(sums[n], alpha, c, has_c ? beta : 0.0);
        }
      }
  }
};

bool serial(const KernelCall& call) {
  return element_count(call.outputs[0]) * column_count(call.inputs[0]) <= 65536;
}

template <class Product>
Kernel kernel(const char* name, std::string_view op) {
  using Function = Typed<Product, WideTypes>;
  return {.name = name,
          .op = op,
          .arithmetic = "any",
          .accepts = Function::accepts,
          .run = Function::run,
          .serial = serial};
}

}  // namespace

std::span<const Kernel> mat_mul_any_kernels() {
  static const Kernel kKernels[] = {kernel<MatMul>("portable.mat_mul_any", "MatMulAny"),
                                    kernel<Gemm>("portable.gemm", "Gemm")};
  return kKernels;
}

}  // namespace lathe::portable
