#include "compile/race.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace lathe {
namespace {

constexpr int kFirstRuns = 3;
constexpr double kPatience = 3;

double allowance(int round) {
  if (round == 0) return 8;
  return round == 1 ? 2 : 1.2;
}

}  // namespace

std::vector<double> race(std::size_t candidates, const TimedRun& run, const RaceOptions& options) {
  constexpr double kNever = std::numeric_limits<double>::infinity();
  std::vector<double> best(candidates, kNever);
  std::vector<double> spent(candidates, 0);
  std::vector<int> runs(candidates, 0);
  std::vector<std::size_t> open(candidates);
  std::iota(open.begin(), open.end(), std::size_t{0});
  const auto once = [&](std::size_t candidate) {
    const double seconds = run(candidate);
    best[candidate] = std::min(best[candidate], seconds);
    spent[candidate] += seconds;
    ++runs[candidate];
  };
  const auto has_time = [&](std::size_t i) {
    return spent[i] < options.seconds * kPatience && runs[i] < options.most_runs &&
           (best[i] == kNever || best[i] * runs[i] < options.seconds);
  };
  // The first run finds memory untouched and caches cold. It counts where it is all that there is time for.
  for (const auto candidate : open) once(candidate);
  for (const auto candidate : open)
    if (has_time(candidate)) best[candidate] = kNever;

  int planned = kFirstRuns;
  for (int round = 0; !open.empty(); ++round, planned *= 2) {
    for (int i = 0; i < planned; ++i)
      for (const auto candidate : open)
        if (has_time(candidate)) once(candidate);
    const double limit = *std::min_element(best.begin(), best.end()) * allowance(round);
    std::erase_if(open, [&](std::size_t i) { return best[i] > limit || !has_time(i); });
  }
  return best;
}

}  // namespace lathe
