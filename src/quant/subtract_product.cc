#include "quant/subtract_product.h"

#include "quant/lanes.h"

namespace lathe {
namespace {

constexpr std::int64_t kTileRows = 4;
constexpr std::int64_t kTileColumns = 8;

/// A tile of c whose sums stay in registers.
void subtract_tile(MatrixRows c, MatrixRows a, MatrixRows b, std::int64_t inner) {
  Lanes sums[kTileRows][2];
  for (int i = 0; i < kTileRows; ++i)
    for (int j = 0; j < 2; ++j) sums[i][j] = load(c.row(i) + 4 * j);
  for (std::int64_t k = 0; k < inner; ++k) {
    const Lanes first = load(b.row(k));
    const Lanes second = load(b.row(k) + 4);
    for (int i = 0; i < kTileRows; ++i) {
      const Lanes factor = spread(a.row(i)[k]);
      sums[i][0] -= factor * first;
      sums[i][1] -= factor * second;
    }
  }
  for (int i = 0; i < kTileRows; ++i)
    for (int j = 0; j < 2; ++j) store(c.row(i) + 4 * j, sums[i][j]);
}

void subtract_edge(MatrixRows c, MatrixRows a, MatrixRows b, std::int64_t rows, std::int64_t columns,
                   std::int64_t inner) {
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t k = 0; k < inner; ++k) {
      const float factor = a.row(i)[k];
      for (std::int64_t j = 0; j < columns; ++j) c.row(i)[j] -= factor * b.row(k)[j];
    }
}

}  // namespace

void subtract_product(MatrixRows c, MatrixRows a, MatrixRows b, std::int64_t rows, std::int64_t columns,
                      std::int64_t inner) {
  const std::int64_t whole_rows = rows - rows % kTileRows;
  const std::int64_t whole_columns = columns - columns % kTileColumns;
  for (std::int64_t j = 0; j < whole_columns; j += kTileColumns)  // b's columns stay in the first cache
    for (std::int64_t i = 0; i < whole_rows; i += kTileRows)
      subtract_tile({c.row(i) + j, c.stride}, {a.row(i), a.stride}, {b.values + j, b.stride}, inner);
  if (whole_columns < columns)
    subtract_edge({c.values + whole_columns, c.stride}, a, {b.values + whole_columns, b.stride}, whole_rows,
                  columns - whole_columns, inner);
  subtract_edge({c.row(whole_rows), c.stride}, {a.row(whole_rows), a.stride}, b, rows - whole_rows, columns,
                inner);
}

}  // namespace lathe
