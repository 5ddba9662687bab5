// MatMulInteger: (a - zero of a) times (b - zero of b) of 8-bit numbers, in i32. QLinearMatMul: the same,
// scaled and rounded to 8 bits again. Scales and zeros are one number, one for each row of a, or one for each
// column of b. Sums wrap in 32 bits.
#include "cpu/portable/small_types.h"
#include "cpu/portable/strided.h"

namespace lathe::portable {
namespace {

std::int32_t code_at(const TensorArg& tensor, std::int64_t index) {
  return tensor.dtype == static_cast<std::int32_t>(Dtype::i8) ? data_of<const std::int8_t>(tensor)[index]
                                                              : data_of<const std::uint8_t>(tensor)[index];
}

/// Of a row of a, or a column of b: a list, or one for each matrix as well.
std::int64_t place_in(const TensorArg& tensor, std::int64_t matrix, std::int64_t index, std::int64_t count) {
  if (element_count(tensor) == 1) return 0;
  return tensor.rank < 2 ? index : matrix * count + index;
}

/// Row and column of one output, and the matrices that it comes from.
struct Place {
  std::int64_t row;
  std::int64_t column;
  std::int64_t a_matrix = 0;
  std::int64_t b_matrix = 0;
  std::int64_t rows;
  std::int64_t columns;
};

TensorArg leading(const TensorArg& tensor, int matrix_axes) {
  TensorArg result = tensor;
  result.rank = std::max(0, tensor.rank - matrix_axes);
  return result;
}

/// The inputs of the node that are the operands.
struct Operands {
  int a;
  int b;
  int a_zero;
  int b_zero;
};

template <class Put>
void multiply(const KernelCall& call, Operands operands, Put put) {
  const auto& a = call.inputs[operands.a];
  const auto& b = call.inputs[operands.b];
  const std::int64_t inner = column_count(a);
  const std::int64_t rows = a.rank > 1 ? a.dims[a.rank - 2] : 1;
  const std::int64_t columns = b.rank > 1 ? b.dims[b.rank - 1] : 1;
  const TensorArg batch = leading(call.outputs[0], (a.rank > 1 ? 1 : 0) + (b.rank > 1 ? 1 : 0));
  const Strides a_strides = broadcast_strides(leading(a, 2), batch);
  const Strides b_strides = broadcast_strides(leading(b, 2), batch);
  const Share share = share_of(call, element_count(call.outputs[0]));
  for (std::int64_t i = share.begin; i < share.end; ++i) {
    Place place{i / columns % rows, i % columns, 0, 0, rows, columns};
    std::int64_t rest = i / columns / rows;
    for (int axis = batch.rank - 1; axis >= 0; --axis) {
      const std::int64_t index = rest % batch.dims[axis];
      rest /= batch.dims[axis];
      place.a_matrix += index * a_strides[static_cast<std::size_t>(axis)];
      place.b_matrix += index * b_strides[static_cast<std::size_t>(axis)];
    }
    std::int32_t a_zero = 0;
    std::int32_t b_zero = 0;
    if (has_input(call, operands.a_zero)) {
      const auto& zeros = call.inputs[operands.a_zero];
      a_zero = code_at(zeros, place_in(zeros, place.a_matrix, place.row, rows));
    }
    if (has_input(call, operands.b_zero)) {
      const auto& zeros = call.inputs[operands.b_zero];
      b_zero = code_at(zeros, place_in(zeros, place.b_matrix, place.column, columns));
    }
    const std::int64_t a_first = (place.a_matrix * rows + place.row) * inner;
    const std::int64_t b_first = place.b_matrix * inner * columns + place.column;
    std::uint32_t sum = 0;
    for (std::int64_t k = 0; k < inner; ++k)
      sum += static_cast<std::uint32_t>((code_at(a, a_first + k) - a_zero) *
                                        (code_at(b, b_first + k * columns) - b_zero));
    put(i, static_cast<std::int32_t>(sum), place);
  }
}

void run_integer(const KernelCall& call) {
  multiply(call, {0, 1, 2, 3}, [&](std::int64_t i, std::int32_t sum, const Place&) {
    data_of<std::int32_t>(call.outputs[0])[i] = sum;
  });
}

/// Inputs: a, scale, zero, b, scale, zero, the output's scale and zero.
void run_quantized(const KernelCall& call) {
  const WholeRange& range = *whole_range(call.outputs[0].dtype);
  const auto precision = static_cast<Dtype>(call.inputs[1].dtype);
  const double y_scale = real_at(call.inputs[6], 0);
  const double y_zero = real_at(call.inputs[7], 0);
  multiply(call, {0, 3, 2, 5}, [&](std::int64_t i, std::int32_t sum, const Place& place) {
    const auto& a = call.inputs[1];
    const auto& b = call.inputs[4];
    const double product =
        in_precision(precision, real_at(a, place_in(a, place.a_matrix, place.row, place.rows)) *
                                    real_at(b, place_in(b, place.b_matrix, place.column, place.columns)));
    const double factor = in_precision(precision, product / y_scale);
    put_whole(call.outputs[0], i, quantized(range, static_cast<double>(sum) * factor + y_zero, 0.0));
  });
}

/// The rule has checked the types.
bool accepts(const NodeTypes&) { return true; }
bool serial(const KernelCall& call) { return is_small(call.outputs[0], 256); }

}  // namespace

std::span<const Kernel> q_linear_mat_mul_kernels() {
  static const Kernel kKernels[] = {{.name = "portable.mat_mul_integer",
                                     .op = "MatMulInteger",
                                     .arithmetic = "any",
                                     .accepts = accepts,
                                     .run = run_integer,
                                     .serial = serial},
                                    {.name = "portable.q_linear_mat_mul",
                                     .op = "QLinearMatMul",
                                     .arithmetic = "any",
                                     .accepts = accepts,
                                     .run = run_quantized,
                                     .serial = serial}};
  return kKernels;
}

}  // namespace lathe::portable
