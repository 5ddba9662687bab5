// Scales of a matrix's columns that are undone in its inputs.
// AWQ: columns of large inputs are rounded more finely where their weights are made larger, since a block's
// factors follow its largest values. SmoothQuant: inputs whose columns are about equally large lose less in
// 8-bit codes.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tensor/dtype.h"

namespace lathe {

struct ColumnScales {
  std::vector<float> scales;    // [columns]: the weights are multiplied by them, the inputs divided
  float exponent = 0.0f;        // scale = root of importance ^ exponent, of geometric mean 1; 0: all are 1
  double error = 0.0;           // sum importance * (weight - rounded)^2, of the weights as they were
  double unscaled_error = 0.0;  // the same without scales
};

/// The exponent from 0 to 1, in sixteenths, with the lowest error. `importance` [columns] is the mean square
/// of each input. Matrices that share their inputs have to share their scales: pass their rows as one
/// matrix, or a sample of them. Each exponent costs a search of all the values given. Throws what
/// quantize_rows() throws.
ColumnScales find_column_scales(Dtype dtype, const float* weights, const float* importance, std::int64_t rows,
                                std::int64_t columns);

/// root of importance ^ alpha / largest ^ (1 - alpha), of geometric mean 1: 1 moves all of the inputs' range
/// into the weights, 0 none. `largest` [columns] is the largest magnitude among the weights of each column.
/// Columns without inputs or weights keep a scale of 1.
std::vector<float> smoothing_scales(std::span<const float> importance, std::span<const float> largest,
                                    double alpha);

}  // namespace lathe
