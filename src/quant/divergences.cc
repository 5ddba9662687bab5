#include "quant/divergences.h"

#include <cmath>
#include <limits>
#include <numeric>

#include "base/error.h"

namespace lathe {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Of the threshold edge(kept). `total` is of all bins, `tail` of those from `kept` on.
double divergence(std::span<const double> bins, std::size_t kept, double total, double tail) {
  const double mass = total - tail;
  if (mass == 0 || (tail > 0 && bins[kept - 1] == 0)) return kInfinity;
  double sum = 0;
  std::size_t begin = 0;
  for (std::size_t group = 0; group < kCodeLevels; ++group) {
    const std::size_t end = ((group + 1) * kept + kCodeLevels - 1) / kCodeLevels;
    double counted = 0;
    std::size_t filled = 0;
    for (std::size_t j = begin; j < end; ++j) {
      counted += bins[j];
      filled += bins[j] != 0 ? 1 : 0;
    }
    const double q = filled == 0 ? 0 : counted / static_cast<double>(filled) / mass;
    for (std::size_t j = begin; j < end; ++j) {
      if (bins[j] == 0) continue;
      const double p = (j + 1 == kept ? bins[j] + tail : bins[j]) / total;
      sum += p * std::log(p / q);
    }
    begin = end;
  }
  return sum;
}

}  // namespace

std::vector<double> code_divergences(std::span<const double> counts) {
  CHECK(counts.size() >= kCodeLevels);
  std::vector<double> bins(counts.begin(), counts.end());
  bins[0] = bins[1];
  const double total = std::accumulate(bins.begin(), bins.end(), 0.0);
  double tail = std::accumulate(bins.begin() + kCodeLevels, bins.end(), 0.0);  // whole numbers: exact
  std::vector<double> divergences;
  for (std::size_t kept = kCodeLevels; kept <= bins.size(); ++kept) {
    divergences.push_back(divergence(bins, kept, total, tail));
    if (kept < bins.size()) tail -= bins[kept];
  }
  return divergences;
}

}  // namespace lathe
