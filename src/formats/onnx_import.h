// An ONNX network as a Graph. Nothing behind this knows where a graph came from.
#pragma once

#include <map>
#include <string>

#include "formats/onnx_model.h"
#include "graph/graph.h"

namespace lathe::onnx {

/// Of the tensors that inputs will be given, by name.
using InputShapes = std::map<std::string, Shape>;

/// Numbers of named dimensions, by name. A dimension of an input without a name is "<input>.<axis>".
using NamedDims = std::map<std::string, std::int64_t>;

struct ImportSizes {
  InputShapes shapes;  // an input that the model gives no rank has the shape of what it is given
  NamedDims limits;    // the greatest, as far as they are known
  NamedDims exact;     // these become numbers
};

/// Values of the graph by the names that they have in the model.
using ValueNames = std::map<std::string, std::string>;

/// Named dimensions become symbols, which are at least 1. Constants lie where the model has them: the graph
/// keeps its file mapped. Throws Error(unsupported) listing all nodes that cannot be run, and
/// Error(invalid_file) naming the node whose inputs do not fit. `names`, unless null, gets those of all
/// values outside of bodies.
lathe::Graph import_graph(const Model& model, const ImportSizes& sizes = {}, ValueNames* names = nullptr);

}  // namespace lathe::onnx
