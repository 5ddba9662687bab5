// What trtexec prints and exports about a trace of runs, with its words: "GPU" is whatever device computes.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "apps/query_loop.h"

namespace lathe::apps {

struct ReportOptions {
  int average_runs = 10;
  std::vector<double> percentiles = {90, 95, 99};
};

std::string format_trace(const QueryTrace& trace, const QueryOptions& options, const ReportOptions& report);

/// One line each: why the figures may not be what they seem.
std::vector<std::string> trace_warnings(const QueryTrace& trace, const QueryOptions& options);

/// The value that `percent` of the values do not exceed.
double percentile(std::vector<double> values, double percent);

/// Of layers over runs.
struct LayerProfile {
  std::string name;
  double total_ms = 0;
  double average_ms = 0;
  double median_ms = 0;
  double percentage = 0;
};
std::vector<LayerProfile> summarize(std::span<const StepInspection> layers,
                                    std::span<const std::vector<double>> seconds);
std::string format_profile(std::span<const LayerProfile> profile, std::size_t runs);

// The exports, as JSON texts.
std::string times_json(const QueryTrace& trace);
std::string profile_json(std::span<const LayerProfile> profile, std::size_t runs);
std::string outputs_json(const Program& program, const Execution& execution);
std::string format_outputs(const Program& program, const Execution& execution);

}  // namespace lathe::apps
