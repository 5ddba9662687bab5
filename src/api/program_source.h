// Where a program comes from: a graph in text form with its constants, or a model's own graph.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "formats/checkpoint.h"
#include "graph/graph.h"
#include "lathe/execute.h"
#include "models/architecture.h"

namespace lathe {

struct ProgramSource {
  Graph graph;
  ModelOptions options;             // of a model: complete
  std::optional<ModelShape> model;  // where the graph is a model's
};

/// Throws Error naming file and place.
ProgramSource read_program(const ProgramOptions& options);

}  // namespace lathe
