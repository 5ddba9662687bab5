// Rounding of a matrix's rows with error feedback (GPTQ): the error of a column is passed on to the columns
// after it, as much as inputs that go together let them make up for it. What falls is the error of the
// products, |X (W - Q)^T|^2, and not that of single weights.
//
// With X^T X = H and U the upper triangular matrix of H^-1 = U^T U, an error e in column c is best made up
// for by taking e * U[c, j] / U[c, c] from every column j after it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tensor/dtype.h"

namespace lathe {

/// U in the place of the symmetric H [columns, columns]. Before that `damping` times the mean of the
/// diagonal, and three times as much of every element's own, is added to the diagonal, since inputs that went
/// together in a calibration text may do so less in others; more where that is not enough to factor. Columns
/// without any input count as the mean one. Throws Error(invalid_argument) where a number is not finite.
void gptq_factor(float* hessian, std::int64_t columns, float damping = 0.03f);

/// Rounds `rows` rows of `columns` floats to a type. `factor` is gptq_factor's [columns, columns];
/// `importance` [columns] weighs errors where the factors of a block are searched, nullptr, which is
/// better: what an error costs that later columns have made up for as well as they can. `values` are
/// overwritten by what was rounded. Rows are independent: threads may share one matrix. Floats, which have no
/// block to feed errors in, and blocks with NaN or infinity are as quantize_rows() makes them. Throws what
/// quantize_rows() throws.
void gptq_rows(Dtype dtype, float* values, const float* factor, const float* importance, std::int64_t rows,
               std::int64_t columns, std::byte* destination);

}  // namespace lathe
