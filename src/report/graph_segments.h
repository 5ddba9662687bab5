// The graph before the passes and the plan's steps, cut into blocks by the layers' numbers, equal blocks in a
// row folded into one.
#pragma once

#include <string>
#include <vector>

#include "lathe/inspection.h"

namespace lathe::report {

struct Segment {
  std::string title;               // "blk.3", or what the nodes are for
  int count = 1;                   // equal blocks in a row, this one the first of them
  std::vector<std::size_t> nodes;  // of Inspection::before
  std::vector<std::size_t> steps;
};

/// In the graph's order. Without the graph before the passes of steps alone.
std::vector<Segment> segments_of(const Inspection& inspection);

}  // namespace lathe::report
