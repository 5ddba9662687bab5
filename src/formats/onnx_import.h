// An ONNX network as a Graph. Nothing behind this knows where a graph came from.
#pragma once

#include <map>
#include <string>

#include "formats/onnx_model.h"
#include "graph/graph.h"

namespace lathe::onnx {

/// Of the tensors that inputs will be given, by name.
using InputShapes = std::map<std::string, Shape>;

/// Greatest numbers of named dimensions, by name, as far as they are known.
using SizeLimits = std::map<std::string, std::int64_t>;

/// Named dimensions become symbols, which are at least 1. Constants lie where the model has them: the graph
/// keeps its file mapped. An input that the model gives no rank has the shape of what it is given. Throws
/// Error(unsupported) listing all nodes that cannot be run, and Error(invalid_file) naming the node whose
/// inputs do not fit.
lathe::Graph import_graph(const Model& model, const InputShapes& shapes = {}, const SizeLimits& limits = {});

}  // namespace lathe::onnx
