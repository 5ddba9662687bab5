// The passes in their order, and running them.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "passes/pass.h"

namespace lathe {

struct PassReport {
  std::string_view name;
  double seconds = 0;
  bool skipped = false;  // switched off
  bool changed = false;
  std::size_t nodes_before = 0;
  std::size_t nodes_after = 0;
};

struct PipelineOptions {
  PassContext context;
  std::vector<std::string> disabled;  // passes to leave out, by name
};

/// The list of passes, in the order in which they run.
std::span<const Pass> all_passes();

/// Runs the passes and verifies the graph before the first and behind each. Throws Error(invalid_argument)
/// for a disabled name that is no pass's and for an unknown math.
std::vector<PassReport> run_pipeline(Graph& graph, const PipelineOptions& options);

}  // namespace lathe
