// A reference and models on the same tokens in one process, a few positions at a time: while one computes the
// others sleep, and at no time are there logits of more than kPairedRows positions of the reference and of
// one model.
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

/// The windows of each source in turn beside the reference's, which computes but once: both have the same
/// positions. What a source or `take` throws ends all, and is thrown here. `take` is called in threads of the
/// sources, one at a time.
using TakeWindows =
    std::function<void(std::size_t source, const LogitsWindow& reference, const LogitsWindow& window)>;
void in_paired_windows(const LogitsSource& reference, std::span<const LogitsSource> sources,
                       std::span<const TokenId> ids, std::int32_t first, const TakeWindows& take);

}  // namespace lathe
