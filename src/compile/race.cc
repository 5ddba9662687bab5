#include "compile/race.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace lathe {
namespace {

double allowance(int round) {
  if (round == 0) return 1.5;
  return round == 1 ? 1.25 : 1.1;
}

}  // namespace

std::vector<double> race(std::size_t candidates, const TimedRun& run, const RaceOptions& options) {
  std::vector<double> best(candidates, std::numeric_limits<double>::infinity());
  std::vector<double> spent(candidates, 0);
  std::vector<std::size_t> open(candidates);
  std::iota(open.begin(), open.end(), std::size_t{0});
  const auto once = [&](std::size_t candidate) {
    const double seconds = run(candidate);
    best[candidate] = std::min(best[candidate], seconds);
    spent[candidate] += seconds;
  };
  // The first run finds memory untouched and caches cold. It counts where it is all that there is time for.
  for (const auto candidate : open) once(candidate);
  for (const auto candidate : open)
    if (spent[candidate] < options.seconds) best[candidate] = std::numeric_limits<double>::infinity();

  int runs = 1;
  int done = 0;
  for (int round = 0; !open.empty() && done < options.most_runs; ++round, done += runs, runs *= 2) {
    for (int i = 0; i < runs; ++i)
      for (const auto candidate : open)
        if (spent[candidate] < options.seconds) once(candidate);
    const double limit = *std::min_element(best.begin(), best.end()) * allowance(round);
    std::erase_if(open, [&](std::size_t i) { return best[i] > limit || spent[i] >= options.seconds; });
  }
  return best;
}

}  // namespace lathe
