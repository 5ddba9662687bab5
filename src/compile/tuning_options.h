// How thoroughly kernels are chosen.
#pragma once

#include <functional>
#include <string>

#include "compile/timing_cache.h"

namespace lathe {

struct TuningProgress {
  std::string profile;
  std::string key;  // of what is measured next
  std::size_t done = 0;
  std::size_t total = 0;
};

struct TuningOptions {
  /// 0  the kernel of the highest rank, without measuring and without the timing cache
  /// 1  the best by the cost model (cost_model.h)
  /// 2  its best three, measured
  /// 3  all kernels and layouts, measured; and the threads and the chunk size that the plan runs best with
  /// 4  all tiles and thread splits too, and branches beside each other
  /// 5  and the heaviest steps once more within the whole plan
  int level = 1;
  double seconds_per_candidate = 0.01;
  TimingCache* cache = nullptr;  // read from level 1 on; measurements are added
  bool fail_on_miss = false;     // what the cache lacks is an error instead of a measurement
  std::function<void(const TuningProgress&)> progress = {};
  std::function<double()> clock = {};  // in seconds; empty: the system's
};

inline constexpr int kMostTuningLevel = 5;

/// Seconds that a function takes by the options' clock.
double time_of(const TuningOptions& options, const std::function<void()>& function);

}  // namespace lathe
