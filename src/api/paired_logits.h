// Two models on the same tokens in one process, a few positions at a time: while one computes the other
// sleeps, and at no time are there logits of more than kPairedRows positions of each.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "api/divergence.h"

namespace lathe {

inline constexpr std::int32_t kPairedRows = 64;

/// Logits of consecutive positions.
struct LogitsWindow {
  std::int32_t position = 0;  // of the first row
  std::size_t rows = 0;
  std::vector<float> logits;  // [rows, vocabulary]

  void add(std::int32_t at, std::span<const float> row);
  void clear();
  std::span<const float> row(std::size_t index) const;
};

/// Gives `take` the rows of `source` from position `first` on in windows of at most kPairedRows.
void in_windows(const LogitsSource& source, std::span<const TokenId> ids, std::int32_t first,
                const std::function<void(const LogitsWindow&)>& take);

/// The same of two sources: both windows have the same positions. What either source or `take` throws ends
/// both, and is thrown here.
void in_paired_windows(const LogitsSource& reference, const LogitsSource& source,
                       std::span<const TokenId> ids, std::int32_t first,
                       const std::function<void(const LogitsWindow& reference, const LogitsWindow&)>& take);

}  // namespace lathe
