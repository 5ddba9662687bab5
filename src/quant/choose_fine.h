// Which columns of an activation get codes of 16 bits (quant/activation.h), from rows that were seen.
#pragma once

#include <climits>
#include <cstdint>
#include <span>
#include <vector>

namespace lathe {

/// Why no more columns are fine.
enum class FineEnd {
  nothing_seen,  // no rows, or no numbers in them
  within,        // the error is within the limit without any
  reached,       // these bring it within the limit
  little_gain,   // no other pair gains enough
  full,          // as many blocks or columns have them as may
};

struct FineChoice {
  std::vector<std::int32_t> columns;  // ascending, at most kFineColumns of each block of 32
  double error_before = 0;            // of the rows' codes: root of the share of the squares
  double error_after = 0;
  FineEnd end = FineEnd::nothing_seen;
};

struct FineLimits {
  double error = 0;          // blocks get fine columns until the rows' error is at most this...
  double least_gain = 0.02;  // ...and while one takes this share of its square away...
  double blocks = 1.0 / 3;   // ...in at most this share of the blocks...
  int columns = INT_MAX;     // ...of at most so many columns in all
};

/// For rows [tokens, columns] of whole blocks whose scales come from each row's block. The same rows give the
/// same choice.
FineChoice choose_fine_columns(std::span<const float> rows, std::int64_t columns, const FineLimits& limits);

/// What many rows held: all that scales known ahead depend on.
struct ColumnRanges {
  std::vector<float> low;  // of each column
  std::vector<float> high;
  double squares = 0;  // of all values
  std::int64_t rows = 0;

  /// Widens it to what rows [tokens, columns] hold.
  void add(std::span<const float> values, std::int64_t columns);
};

/// Where each block has one scale for all rows, that holds what its other columns held.
FineChoice choose_static_fine_columns(const ColumnRanges& ranges, const FineLimits& limits);

/// f32 [2, columns / 32]: the least and the greatest value that the scale of each block must hold, where
/// those columns (ascending) are fine.
std::vector<float> block_ranges(const ColumnRanges& ranges, std::span<const std::int32_t> fine);

}  // namespace lathe
