#include "apps/query_loop.h"

#include <algorithm>
#include <barrier>
#include <chrono>
#include <exception>
#include <thread>

namespace lathe::apps {
namespace {

constexpr std::size_t kMostRuns = 1 << 24;  // whose times are kept

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void idle(const QueryOptions& options) {
  if (options.idle_ms > 0)
    std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(options.idle_ms));
}

int warm_up(Execution& execution, const QueryOptions& options) {
  const double start = now();
  int queries = 0;
  // The first run makes room and is never among those that are timed.
  do {
    execution.run(true);
    ++queries;
  } while ((now() - start) * 1e3 < options.warm_up_ms);
  return queries;
}

std::vector<RunTimes> timed_runs(Execution& execution, const QueryOptions& options) {
  std::vector<RunTimes> runs;
  const double start = now();
  while (runs.size() < static_cast<std::size_t>(options.iterations) ||
         (now() - start < options.duration_s && runs.size() < kMostRuns)) {
    if (!runs.empty()) idle(options);
    runs.push_back(execution.run(options.transfers));
  }
  return runs;
}

/// What one thread does and leaves.
struct Stream {
  int warm_up_queries = 0;
  std::vector<RunTimes> runs;
  std::exception_ptr failure;
};

}  // namespace

QueryTrace run_queries(std::vector<Execution>& executions, const QueryOptions& options) {
  std::vector<Stream> streams(executions.size());
  std::barrier warm(static_cast<std::ptrdiff_t>(executions.size()));
  const auto work = [&](std::size_t i) {
    try {
      streams[i].warm_up_queries = warm_up(executions[i], options);
    } catch (...) {
      streams[i].failure = std::current_exception();
    }
    warm.arrive_and_wait();
    if (streams[i].failure) return;
    try {
      streams[i].runs = timed_runs(executions[i], options);
    } catch (...) {
      streams[i].failure = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 1; i < executions.size(); ++i) threads.emplace_back(work, i);
    work(0);
  }
  QueryTrace trace;
  for (const auto& stream : streams) {
    if (stream.failure) std::rethrow_exception(stream.failure);
    trace.warm_up_queries += stream.warm_up_queries;
    trace.runs.insert(trace.runs.end(), stream.runs.begin(), stream.runs.end());
  }
  std::ranges::stable_sort(trace.runs, {}, &RunTimes::to_device_start);
  trace.start = trace.runs.front().to_device_start;
  trace.wall_seconds = std::ranges::max(trace.runs, {}, &RunTimes::to_host_end).to_host_end - trace.start;
  return trace;
}

std::vector<std::vector<double>> profile_queries(Execution& execution, const QueryOptions& options) {
  execution.set_profiling(true);
  execution.run();
  std::vector<std::vector<double>> seconds;
  const double start = now();
  while (seconds.size() < static_cast<std::size_t>(options.iterations) ||
         (now() - start < options.duration_s && seconds.size() < kMostRuns)) {
    execution.run(options.transfers);
    seconds.push_back(execution.layer_seconds());
  }
  execution.set_profiling(false);
  return seconds;
}

}  // namespace lathe::apps
