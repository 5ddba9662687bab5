// Finds the fastest of several candidates by running them in turn. Other programs disturb times, and always
// upwards: a candidate's time is its shortest, and all are run alternately so that a slow spell hits all.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

namespace lathe {

/// Runs one candidate once and returns its seconds.
using TimedRun = std::function<double(std::size_t candidate)>;

struct RaceOptions {
  double seconds = 0.01;  // of undisturbed runs, for each candidate; of disturbed ones up to three times that
  int most_runs = 200;    // of each, where it is quick
};

/// The shortest time of each. After each round, which has twice the runs of the one before, those that are
/// hopeless by then are left out: beyond eight times the best after the first round, twice after the
/// second, a fifth more after later ones.
std::vector<double> race(std::size_t candidates, const TimedRun& run, const RaceOptions& options);

}  // namespace lathe
