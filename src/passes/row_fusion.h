// Joins nodes that work on the same rows into one RowProgram: what fuse_pointwise, fuse_normalization and
// fuse_quantization share. They differ in the pairs that they want.
#pragma once

#include "graph/graph.h"

namespace lathe {

/// What a node does with rows, where a RowProgram can do it.
struct RowWork {
  bool on_rows = false;    // the others count only where this holds
  bool reduces = false;    // a normalization is in it
  bool quantizes = false;  // codes are among its outputs
  bool quantizes_only = false;
};

struct RowPair {
  RowWork producer;
  RowWork reader;
  bool only_reader;  // nothing else reads what the producer makes
};

/// Joins every wanted pair of a node and a reader of its result, also with what was joined before. Values
/// keep their names, a joined node is called "<producer> + <reader>", and every number keeps its bits. True
/// where something was joined.
bool fuse_rows(Graph& graph, bool (*wanted)(const RowPair& pair));

}  // namespace lathe
