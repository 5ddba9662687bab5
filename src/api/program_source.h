// Where a program comes from: a graph in text form with its constants, or a model's own graph.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "graph/graph.h"
#include "lathe/execute.h"

namespace lathe {

struct ProgramSource {
  Graph graph;
  ModelOptions options;  // of a model: complete
  /// Of a network in ONNX: the graph's values by the names that they have in the file.
  std::map<std::string, std::string> value_names = {};
};

/// Of networks in ONNX, dimensions with the names in `exact` are these numbers. Throws Error naming file and
/// place.
ProgramSource read_program(const ProgramOptions& options,
                           const std::map<std::string, std::int64_t>& exact = {});

}  // namespace lathe
