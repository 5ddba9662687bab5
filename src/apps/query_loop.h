// Runs a program again and again and takes the times, as trtexec does: first to warm up, then until there are
// both enough runs and enough time.
#pragma once

#include <vector>

#include "lathe/execute.h"

namespace lathe::apps {

struct QueryOptions {
  double warm_up_ms = 200;
  double duration_s = 3;
  int iterations = 10;  // of each stream, at least
  int streams = 1;
  bool transfers = true;  // of inputs and outputs, in every run
  double idle_ms = 0;     // between two runs of a stream
};

struct QueryTrace {
  int warm_up_queries = 0;
  double start = 0;            // of the first timed run, on the steady clock
  double wall_seconds = 0;     // until the last has ended
  std::vector<RunTimes> runs;  // of all streams, in the order of their starts
};

/// One thread runs each execution. Throws what a run throws.
QueryTrace run_queries(std::vector<Execution>& executions, const QueryOptions& options);

/// Seconds that each layer took in each run, [runs][layers]; the layers run one after the other, so that the
/// whole takes longer than without this.
std::vector<std::vector<double>> profile_queries(Execution& execution, const QueryOptions& options);

}  // namespace lathe::apps
