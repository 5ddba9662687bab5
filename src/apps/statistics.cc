#include "apps/statistics.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <utility>

namespace lathe::apps {

double mean(std::span<const double> values) {
  if (values.empty()) return 0;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double standard_deviation(std::span<const double> values) {
  if (values.size() < 2) return 0;
  const double center = mean(values);
  double sum = 0;
  for (const double value : values) sum += (value - center) * (value - center);
  return std::sqrt(sum / static_cast<double>(values.size() - 1));
}

std::array<double, 3> fit_parabola(std::span<const double> x, std::span<const double> y) {
  // Normal equations over x / scale, so that the sums of fourth powers keep their digits.
  const double scale = *std::max_element(x.begin(), x.end());
  std::array<std::array<double, 4>, 3> rows{};
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double u = x[i] / scale;
    const std::array<double, 3> powers = {1, u, u * u};
    for (std::size_t r = 0; r < 3; ++r) {
      for (std::size_t c = 0; c < 3; ++c) rows[r][c] += powers[r] * powers[c];
      rows[r][3] += powers[r] * y[i];
    }
  }
  for (std::size_t pivot = 0; pivot < 3; ++pivot) {
    std::size_t best = pivot;
    for (std::size_t r = pivot + 1; r < 3; ++r)
      if (std::abs(rows[r][pivot]) > std::abs(rows[best][pivot])) best = r;
    std::swap(rows[pivot], rows[best]);
    for (std::size_t r = 0; r < 3; ++r) {
      if (r == pivot) continue;
      const double factor = rows[r][pivot] / rows[pivot][pivot];
      for (std::size_t c = pivot; c < 4; ++c) rows[r][c] -= factor * rows[pivot][c];
    }
  }
  return {rows[0][3] / rows[0][0], rows[1][3] / rows[1][1] / scale,
          rows[2][3] / rows[2][2] / (scale * scale)};
}

}  // namespace lathe::apps
