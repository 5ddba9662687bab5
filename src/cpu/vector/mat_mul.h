// MatMul, in register tiles of 6 rows: each output is one chain of fused multiply-adds over ascending K from
// 0, as in portable/mat_mul.cc. Threads share tiles; one takes all rows of a strip of columns after another,
// so that the strip stays in its cache.
#pragma once

#include "cpu/vector/call.h"

namespace lathe::vector {

static constexpr std::int64_t kProductRows = 6;

/// One matrix product: a [rows, inner] times b [inner, columns].
struct Product {
  const float* a;
  const float* b;
  float* y;
  std::int64_t rows;
  std::int64_t inner;
  std::int64_t columns;
};

/// kRows rows and `count` columns of y, at most kVectors * kLanes; fewer where `partial`.
template <class V, int kRows, int kVectors, bool partial>
void multiply_tile(const Product& product, std::int64_t row, std::int64_t column, std::int64_t count) {
  V sums[kRows][kVectors];
  for (auto& line : sums)
    for (auto& sum : line) sum = broadcast(V{}, 0.0f);
  const float* a = product.a + row * product.inner;
  const float* b = product.b + column;
  for (std::int64_t k = 0; k < product.inner; ++k, b += product.columns) {
    V line[kVectors];
    for (int n = 0; n < kVectors; ++n) {
      if constexpr (partial)
        line[n] = load_first(V{}, b + n * kLanes, count - n * kLanes);
      else
        line[n] = load(V{}, b + n * kLanes);
    }
    for (int m = 0; m < kRows; ++m) {
      const V factor = broadcast(V{}, a[m * product.inner + k]);
      for (int n = 0; n < kVectors; ++n) sums[m][n] = fma(factor, line[n], sums[m][n]);
    }
  }
  for (int m = 0; m < kRows; ++m)
    for (int n = 0; n < kVectors; ++n) {
      float* y = product.y + (row + m) * product.columns + column + n * kLanes;
      if constexpr (partial)
        store_first(y, sums[m][n], count - n * kLanes);
      else
        store(y, sums[m][n]);
    }
}

template <class V, int kRows>
void multiply_columns(const Product& product, std::int64_t row, std::int64_t column, std::int64_t count) {
  constexpr std::int64_t kWide = V::kTileVectors * kLanes;
  if (count == kWide) return multiply_tile<V, kRows, V::kTileVectors, false>(product, row, column, count);
  for (; count >= kLanes; column += kLanes, count -= kLanes)
    multiply_tile<V, kRows, 1, false>(product, row, column, kLanes);
  if (count > 0) multiply_tile<V, kRows, 1, true>(product, row, column, count);
}

template <class V>
void multiply_rows(const Product& product, std::int64_t row, std::int64_t column, std::int64_t count) {
  switch (product.rows - row) {
    case 1:
      return multiply_columns<V, 1>(product, row, column, count);
    case 2:
      return multiply_columns<V, 2>(product, row, column, count);
    case 3:
      return multiply_columns<V, 3>(product, row, column, count);
    case 4:
      return multiply_columns<V, 4>(product, row, column, count);
    case 5:
      return multiply_columns<V, 5>(product, row, column, count);
    default:
      return multiply_columns<V, 6>(product, row, column, count);
  }
}

/// Which matrix of an operand with `axes` leading axes belongs to the output's matrix `index`.
static std::int64_t matrix_of(const TensorArg& tensor, const TensorArg& output, int output_axes,
                              std::int64_t index) {
  const int axes = tensor.rank - 2;
  std::int64_t place = 0;
  std::int64_t step = 1;
  for (int i = 0; i < output_axes; ++i) {  // from the last leading axis
    const std::int64_t size = output.dims[output_axes - 1 - i];
    if (i < axes) {
      const std::int64_t own = tensor.dims[axes - 1 - i];
      if (own != 1) place += index % size * step;
      step *= own;
    }
    index /= size;
  }
  return place;
}

template <class V>
void run_mat_mul(const KernelCall& call) {
  constexpr std::int64_t kWide = V::kTileVectors * kLanes;
  const TensorArg& a = call.inputs[0];
  const TensorArg& b = call.inputs[1];
  const TensorArg& y = call.outputs[0];
  const std::int64_t inner = a.dims[a.rank - 1];
  const std::int64_t rows = a.rank > 1 ? a.dims[a.rank - 2] : 1;
  const std::int64_t columns = b.rank > 1 ? b.dims[b.rank - 1] : 1;
  const int output_axes = y.rank - (a.rank > 1 ? 1 : 0) - (b.rank > 1 ? 1 : 0);
  std::int64_t matrices = 1;
  for (int i = 0; i < output_axes; ++i) matrices *= y.dims[i];
  const std::int64_t strips = (columns + kWide - 1) / kWide;
  const std::int64_t blocks = (rows + kProductRows - 1) / kProductRows;
  const Range share = share_of(call, matrices * strips * blocks);
  for (std::int64_t i = share.begin; i < share.end; ++i) {
    const std::int64_t matrix = i / (strips * blocks);
    const std::int64_t column = i / blocks % strips * kWide;
    const Product product{
        static_cast<const float*>(a.data) + matrix_of(a, y, output_axes, matrix) * rows * inner,
        static_cast<const float*>(b.data) + matrix_of(b, y, output_axes, matrix) * inner * columns,
        static_cast<float*>(y.data) + matrix * rows * columns,
        rows,
        inner,
        columns};
    multiply_rows<V>(product, i % blocks * kProductRows, column,
                     columns - column < kWide ? columns - column : kWide);
  }
}

}  // namespace lathe::vector
