// A code's error is a part of its block's range, whatever the values. A block's error is thus the sum of the
// squares of its rows' ranges, and a column is worth what they lose without it. Of each block the best column
// is found, then the best of the rest; blocks then come in the order of what their pair is worth.
#include "quant/choose_fine.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "quant/activation.h"

namespace lathe {
namespace {

/// The two greatest of some numbers and 0, and where the first is.
struct Greatest {
  float first = 0;
  float second = 0;
  int place = -1;

  void take(float value, int at) {
    if (value > first) {
      second = first;
      first = value;
      place = at;
    } else if (value > second) {
      second = value;
    }
  }
};

double square(double x) { return x * x; }

class Block {
 public:
  Block(std::span<const float> rows, std::int64_t columns, std::int64_t block)
      : rows_(rows), columns_(columns), first_(block * kActivationBlock) {}

  /// Picks the next column; returns the squares of ranges before.
  double pick() {
    double squares = 0;
    std::array<double, kActivationBlock> gains{};
    for (std::size_t row = 0; row < rows_.size(); row += static_cast<std::size_t>(columns_)) {
      Greatest high;
      Greatest low;
      for (int i = 0; i < kActivationBlock; ++i) {
        if (is_picked(i)) continue;
        const float value = rows_[row + static_cast<std::size_t>(first_ + i)];
        high.take(value, i);
        low.take(-value, i);
      }
      const double range = square(double{high.first} + double{low.first});
      squares += range;
      if (high.place >= 0)
        gains[static_cast<std::size_t>(high.place)] +=
            range - square(double{high.second} + double{low.first});
      if (low.place >= 0)
        gains[static_cast<std::size_t>(low.place)] += range - square(double{high.first} + double{low.second});
    }
    picked_.push_back(static_cast<int>(std::ranges::max_element(gains) - gains.begin()));
    return squares;
  }

  /// Columns of the tensor.
  std::vector<std::int32_t> picked(std::size_t count) const {
    std::vector<std::int32_t> result;
    for (std::size_t i = 0; i < count; ++i) result.push_back(static_cast<std::int32_t>(first_) + picked_[i]);
    return result;
  }

 private:
  bool is_picked(int column) const { return std::ranges::find(picked_, column) != picked_.end(); }

  std::span<const float> rows_;
  std::int64_t columns_;
  std::int64_t first_;
  std::vector<int> picked_;
};

struct Candidate {
  std::vector<std::int32_t> columns;
  double before;
  double after;
};

/// Squares of ranges of the blocks' rows, as the squared error of their codes.
double error_of(double squares) { return squares * kActivationBlock / 12 / square(255); }

}  // namespace

FineChoice choose_fine_columns(std::span<const float> rows, std::int64_t columns, const FineLimits& limits) {
  CHECK(columns > 0 && columns % kActivationBlock == 0 && std::ssize(rows) % columns == 0);
  FineChoice choice;
  const double energy =
      std::accumulate(rows.begin(), rows.end(), 0.0, [](double sum, float x) { return sum + square(x); });
  if (!(energy > 0) || !std::isfinite(energy)) return choice;
  std::vector<Candidate> candidates;
  double squares = 0;
  for (std::int64_t block = 0; block < columns / kActivationBlock; ++block) {
    Block of(rows, columns, block);
    const double before = of.pick();
    of.pick();
    candidates.push_back({of.picked(kFineColumns), before, of.pick()});
    squares += before;
  }
  std::ranges::stable_sort(candidates, std::ranges::greater{},
                           [](const Candidate& of) { return of.before - of.after; });
  const auto relative = [energy](double sum) { return std::sqrt(error_of(sum) / energy); };
  choice.error_before = relative(squares);
  const auto most = static_cast<std::size_t>(limits.blocks * static_cast<double>(candidates.size()) + 1);
  candidates.resize(std::min(most, candidates.size()));
  for (const auto& candidate : candidates) {
    const double gain = candidate.before - candidate.after;
    if (relative(squares) <= limits.error || !(gain > limits.least_gain * squares)) break;
    squares -= gain;
    choice.columns.insert(choice.columns.end(), candidate.columns.begin(), candidate.columns.end());
  }
  std::ranges::sort(choice.columns);
  choice.error_after = relative(squares);
  return choice;
}

}  // namespace lathe
