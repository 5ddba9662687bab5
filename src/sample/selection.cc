#include "sample/selection.h"

#include <algorithm>
#include <cmath>

#include "sample/exponential.h"

namespace lathe {

double relative_weight(float logit, float greatest, double temperature) {
  if (logit == greatest) return 1.0;  // also where both are infinite
  return exponential((static_cast<double>(logit) - static_cast<double>(greatest)) / temperature);
}

void select_first(std::span<const float> logits, std::size_t count, std::vector<Candidate>& selected) {
  selected.clear();
  if (count == 0) return;
  // Twice as many as asked for are collected, then cut to the first `count`, whose last becomes the bar.
  const auto cut = [&] {
    std::nth_element(selected.begin(), selected.begin() + static_cast<std::ptrdiff_t>(count) - 1,
                     selected.end(), before);
    selected.resize(count);
  };
  Candidate bar = kNoCut;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const Candidate candidate{static_cast<std::int32_t>(i), logits[i]};
    if (std::isnan(candidate.logit) || !before(candidate, bar)) continue;
    selected.push_back(candidate);
    if (selected.size() / 2 < count) continue;
    cut();
    bar = selected.back();
  }
  if (selected.size() > count) cut();
}

std::size_t nucleus_length(std::span<const Candidate> sorted, float greatest, double target) {
  double sum = 0.0;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    sum += relative_weight(sorted[i].logit, greatest);
    if (sum >= target) return i + 1;
  }
  return sorted.size() + 1;
}

Candidate nucleus_cut(std::span<Candidate> set, float greatest, double target) {
  double sum = 0.0;  // of the elements before `set`
  while (set.size() > static_cast<std::size_t>(kCandidates)) {
    const auto half = set.size() / 2;
    std::nth_element(set.begin(), set.begin() + static_cast<std::ptrdiff_t>(half), set.end(), before);
    double first = 0.0;
    for (const auto& candidate : set.first(half)) first += relative_weight(candidate.logit, greatest);
    if (sum + first >= target) {
      set = set.first(half);
    } else {
      sum += first;
      set = set.subspan(half);
    }
  }
  std::sort(set.begin(), set.end(), before);
  const auto length = nucleus_length(set, greatest, target - sum);
  return set[std::min(length, set.size()) - 1];
}

}  // namespace lathe
