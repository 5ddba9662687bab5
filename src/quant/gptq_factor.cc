// U of H^-1 = U^T U without forming the inverse: H = R R^T with R upper triangular, which is a Cholesky
// factorization from the last column to the first, and U = R^-1. Both by blocks, in place.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/error.h"
#include "quant/gptq.h"
#include "quant/subtract_product.h"

namespace lathe {
namespace {

constexpr std::int64_t kBlock = 64;
// What is added of a column's own square beside the mean one: columns of large inputs go together by chance
// as others do.
constexpr double kOwn = 3.0;

/// R of one block on the diagonal, in its upper triangle. False where the block is not positive.
bool factor_diagonal(MatrixRows h, std::int64_t size) {
  for (std::int64_t j = size - 1; j >= 0; --j) {
    double pivot = static_cast<double>(h.row(j)[j]);
    for (std::int64_t k = j + 1; k < size; ++k) pivot -= static_cast<double>(h.row(j)[k]) * h.row(j)[k];
    if (!(pivot > 0.0)) return false;
    const double root = std::sqrt(pivot);
    h.row(j)[j] = static_cast<float>(root);
    for (std::int64_t i = 0; i < j; ++i) {
      double sum = static_cast<double>(h.row(i)[j]);
      for (std::int64_t k = j + 1; k < size; ++k) sum -= static_cast<double>(h.row(i)[k]) * h.row(j)[k];
      h.row(i)[j] = static_cast<float>(sum / root);
    }
  }
  return true;
}

/// The inverse of an upper triangular block, in its place.
void invert_diagonal(MatrixRows r, std::int64_t size) {
  for (std::int64_t j = 0; j < size; ++j) {
    r.row(j)[j] = 1.0f / r.row(j)[j];
    for (std::int64_t i = 0; i < j; ++i) {  // rows above hold their inverses up to column j - 1
      double sum = 0.0;
      for (std::int64_t k = i; k < j; ++k) sum += static_cast<double>(r.row(i)[k]) * r.row(k)[j];
      r.row(i)[j] = static_cast<float>(-sum * r.row(j)[j]);
    }
  }
  for (std::int64_t i = 0; i < size; ++i) std::fill_n(r.row(i), i, 0.0f);
}

/// `from` [rows, columns] on its side.
void transpose(MatrixRows from, std::int64_t rows, std::int64_t columns, MatrixRows to) {
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < columns; ++j) to.row(j)[i] = from.row(i)[j];
}

class Factorization {
 public:
  Factorization(float* values, std::int64_t columns)
      : h_{values, columns},
        columns_(columns),
        panel_(static_cast<std::size_t>(kBlock * columns)),
        sideways_(static_cast<std::size_t>(kBlock * columns)) {}

  /// R above the diagonal blocks, and on them their inverses. False where H is not positive enough.
  bool factor() {
    for (std::int64_t start = (columns_ - 1) / kBlock * kBlock; start >= 0; start -= kBlock) {
      const std::int64_t size = std::min(kBlock, columns_ - start);
      const MatrixRows diagonal = at(start, start);
      if (!factor_diagonal(diagonal, size)) return false;
      invert_diagonal(diagonal, size);
      finish_panel(start, size);
      const MatrixRows sideways{sideways_.data(), columns_};
      transpose(at(0, start), start, size, sideways);
      for (std::int64_t row = 0; row < start; row += kBlock)
        subtract_product(at(row, row), at(row, start), {sideways.values + row, columns_}, kBlock, start - row,
                         size);
    }
    return true;
  }

  /// R^-1 above the diagonal blocks. From the last column to the first: R is still there for those before.
  void invert() {
    float product[kBlock * kBlock];
    for (std::int64_t start = (columns_ - 1) / kBlock * kBlock; start > 0; start -= kBlock) {
      const std::int64_t size = std::min(kBlock, columns_ - start);
      for (std::int64_t row = start - kBlock; row >= 0; row -= kBlock) {
        const std::int64_t next = row + kBlock;
        std::fill_n(product, kBlock * size, 0.0f);
        subtract_product({product, size}, at(row, next), at(next, start), kBlock, size, start + size - next);
        for (std::int64_t i = 0; i < kBlock * size; ++i) product[i] = -product[i];
        clear(at(row, start), kBlock, size);
        subtract_product(at(row, start), at(row, row), {product, size}, kBlock, size, kBlock);
      }
    }
  }

 private:
  MatrixRows at(std::int64_t row, std::int64_t column) const { return {h_.row(row) + column, h_.stride}; }

  static void clear(MatrixRows matrix, std::int64_t rows, std::int64_t columns) {
    for (std::int64_t i = 0; i < rows; ++i) std::fill_n(matrix.row(i), columns, 0.0f);
  }

  /// The blocks above a diagonal one: what is left of H there, times the inverse on its side.
  void finish_panel(std::int64_t start, std::int64_t size) {
    float inverse[kBlock * kBlock];
    transpose(at(start, start), size, size, {inverse, size});
    for (std::int64_t i = 0; i < size * size; ++i) inverse[i] = -inverse[i];
    const MatrixRows panel{panel_.data(), size};
    for (std::int64_t i = 0; i < start; ++i) std::copy_n(at(i, start).values, size, panel.row(i));
    clear(at(0, start), start, size);
    subtract_product(at(0, start), panel, {inverse, size}, start, size, size);
  }

  MatrixRows h_;
  std::int64_t columns_;
  std::vector<float> panel_;
  std::vector<float> sideways_;
};

}  // namespace

void gptq_factor(float* hessian, std::int64_t columns, float damping) {
  const MatrixRows h{hessian, columns};
  std::vector<float> diagonal(static_cast<std::size_t>(columns));
  double mean = 0.0;
  for (std::int64_t i = 0; i < columns; ++i) {
    for (std::int64_t j = 0; j < columns; ++j)
      if (!std::isfinite(h.row(i)[j]))
        throw Error(ErrorCode::invalid_argument,
                    "the products of calibration inputs are not finite at column " + std::to_string(j));
    const float value = h.row(i)[i];
    diagonal[static_cast<std::size_t>(i)] = value;
    mean += static_cast<double>(value) / static_cast<double>(columns);
  }
  if (!(mean > 0.0)) mean = 1.0;
  for (;; damping *= 4.0f) {
    for (std::int64_t i = 0; i < columns; ++i) {
      const double value = static_cast<double>(diagonal[static_cast<std::size_t>(i)]);
      h.row(i)[i] = static_cast<float>(value > 0.0 ? value + damping * (mean + kOwn * value) : mean);
      for (std::int64_t j = i + 1; j < columns; ++j) h.row(i)[j] = h.row(j)[i];  // below it is as it was
    }
    Factorization factorization(hessian, columns);
    if (!factorization.factor()) continue;
    factorization.invert();
    break;
  }
  for (std::int64_t i = 0; i < columns; ++i) std::fill_n(h.row(i), i, 0.0f);
}

}  // namespace lathe
