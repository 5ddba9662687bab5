// A code's error is a part of its block's range, whatever the values. A block's error is thus the sum of the
// squares of its rows' ranges, and a column is worth what they lose without it. Of each block the best column
// is found, then the best of the rest; blocks then come in the order of what their pair is worth.
#include "quant/choose_fine.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
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

double squares_of(std::span<const float> values) {
  return std::accumulate(values.begin(), values.end(), 0.0,
                         [](double sum, float x) { return sum + square(x); });
}

/// Of a block: rows with values, or one with both ends of what columns held. What is picked is 0 from then
/// on, which widens no range.
class Block {
 public:
  Block(std::span<const float> low, std::span<const float> high, std::int64_t columns, std::int64_t block)
      : first_(block * kActivationBlock) {
    for (auto at = static_cast<std::size_t>(first_); at < low.size();
         at += static_cast<std::size_t>(columns)) {
      const auto part = [at](std::span<const float> of) { return of.subspan(at, kActivationBlock); };
      low_.insert(low_.end(), part(low).begin(), part(low).end());
      high_.insert(high_.end(), part(high).begin(), part(high).end());
    }
  }

  /// Picks the next column; returns the squares of ranges before.
  double pick() {
    double squares = 0;
    std::array<double, kActivationBlock> gains{};
    for (std::size_t row = 0; row < low_.size(); row += kActivationBlock) {
      Greatest high;
      Greatest low;
      for (int i = 0; i < kActivationBlock; ++i) {
        high.take(high_[row + static_cast<std::size_t>(i)], i);
        low.take(-low_[row + static_cast<std::size_t>(i)], i);
      }
      const double range = square(double{high.first} + double{low.first});
      squares += range;
      if (high.place >= 0)
        gains[static_cast<std::size_t>(high.place)] +=
            range - square(double{high.second} + double{low.first});
      if (low.place >= 0)
        gains[static_cast<std::size_t>(low.place)] += range - square(double{high.first} + double{low.second});
    }
    for (const int column : picked_) gains[static_cast<std::size_t>(column)] = -1;
    const auto picked = std::ranges::max_element(gains) - gains.begin();
    picked_.push_back(static_cast<int>(picked));
    for (auto at = static_cast<std::size_t>(picked); at < low_.size(); at += kActivationBlock)
      low_[at] = high_[at] = 0;
    return squares;
  }

  /// Columns of the tensor.
  std::vector<std::int32_t> picked(std::size_t count) const {
    std::vector<std::int32_t> result;
    for (std::size_t i = 0; i < count; ++i) result.push_back(static_cast<std::int32_t>(first_) + picked_[i]);
    return result;
  }

 private:
  std::int64_t first_;
  std::vector<float> low_;  // [rows, 32]
  std::vector<float> high_;
  std::vector<int> picked_;
};

struct Candidate {
  std::vector<std::int32_t> columns;
  double before;
  double after;
};

/// Squares of ranges of the blocks' rows, as the squared error of their codes.
double error_of(double squares) { return squares * kActivationBlock / 12 / square(255); }

/// `energy`: the sum of the squares of what codes are for, for each row here.
FineChoice choose(std::span<const float> low, std::span<const float> high, std::int64_t columns,
                  double energy, const FineLimits& limits) {
  FineChoice choice;
  if (!(energy > 0) || !std::isfinite(energy)) return choice;
  std::vector<Candidate> candidates;
  double squares = 0;
  for (std::int64_t block = 0; block < columns / kActivationBlock; ++block) {
    Block of(low, high, columns, block);
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
  const auto most_pairs = static_cast<std::size_t>(limits.columns / kFineColumns);
  candidates.resize(std::min({most, most_pairs, candidates.size()}));
  choice.end = FineEnd::full;
  for (const auto& candidate : candidates) {
    const double gain = candidate.before - candidate.after;
    if (relative(squares) <= limits.error) break;
    if (!(gain > limits.least_gain * squares)) {
      choice.end = FineEnd::little_gain;
      break;
    }
    squares -= gain;
    choice.columns.insert(choice.columns.end(), candidate.columns.begin(), candidate.columns.end());
  }
  std::ranges::sort(choice.columns);
  choice.error_after = relative(squares);
  if (choice.error_after <= limits.error)
    choice.end = choice.columns.empty() ? FineEnd::within : FineEnd::reached;
  return choice;
}

}  // namespace

FineChoice choose_fine_columns(std::span<const float> rows, std::int64_t columns, const FineLimits& limits) {
  CHECK(columns > 0 && columns % kActivationBlock == 0 && std::ssize(rows) % columns == 0);
  return choose(rows, rows, columns, squares_of(rows), limits);
}

void ColumnRanges::add(std::span<const float> values, std::int64_t columns) {
  const auto width = static_cast<std::size_t>(columns);
  CHECK(columns > 0 && values.size() % width == 0 && (rows == 0 || low.size() == width));
  if (rows == 0) {
    low.assign(width, std::numeric_limits<float>::max());
    high.assign(width, std::numeric_limits<float>::lowest());
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    low[i % width] = std::min(low[i % width], values[i]);
    high[i % width] = std::max(high[i % width], values[i]);
  }
  squares += squares_of(values);
  rows += std::ssize(values) / columns;
}

FineChoice choose_static_fine_columns(const ColumnRanges& ranges, const FineLimits& limits) {
  const auto columns = std::ssize(ranges.low);
  CHECK(ranges.rows > 0 && columns % kActivationBlock == 0);
  return choose(ranges.low, ranges.high, columns, ranges.squares / static_cast<double>(ranges.rows), limits);
}

std::vector<float> block_ranges(const ColumnRanges& ranges, std::span<const std::int32_t> fine) {
  const std::size_t blocks = ranges.low.size() / kActivationBlock;
  std::vector<float> ends(2 * blocks, 0.0f);
  for (std::size_t column = 0; column < ranges.low.size(); ++column) {
    float low = ranges.low[column];
    float high = ranges.high[column];
    if (std::ranges::binary_search(fine, static_cast<std::int32_t>(column))) {
      high = std::max(-low, high) * (255.0f / kFineSteps);
      low = 0;
    }
    float& least = ends[column / kActivationBlock];
    float& greatest = ends[blocks + column / kActivationBlock];
    least = std::min(least, low);
    greatest = std::max(greatest, high);
  }
  return ends;
}

}  // namespace lathe
