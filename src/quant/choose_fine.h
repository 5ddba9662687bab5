// Which columns of an activation get codes of 16 bits (quant/activation.h), from rows that were seen.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace lathe {

struct FineChoice {
  std::vector<std::int32_t> columns;  // ascending, at most kFineColumns of each block of 32
  double error_before = 0;            // of the rows' codes: root of the share of the squares
  double error_after = 0;
};

struct FineLimits {
  double error = 0;          // blocks get fine columns until the rows' error is at most this...
  double least_gain = 0.02;  // ...and while one takes this share of its square away...
  double blocks = 1.0 / 3;   // ...in at most this share of the blocks
};

/// For rows [tokens, columns] of whole blocks. The same rows give the same choice.
FineChoice choose_fine_columns(std::span<const float> rows, std::int64_t columns, const FineLimits& limits);

}  // namespace lathe
