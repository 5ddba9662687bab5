// Non-maximum suppression: which boxes stay. The rule of NonMaxSuppression counts them, and its kernel needs
// them.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace lathe {

struct BoxSelection {
  const float* boxes;   // [batches, box_count, 4]: two opposite corners y, x; or center x, y, width, height
  const float* scores;  // [batches, classes, box_count]
  std::int64_t batches, classes, box_count;
  std::int64_t most_per_class;
  float overlap_limit;  // of the intersection over the union: a box beyond it is dropped
  bool has_score_limit;
  float score_limit;  // boxes must be above it
  bool centered;
};

/// Batch, class and box of each that stays: class by class, those with the greatest scores first, where equal
/// the one that comes first.
std::vector<std::array<std::int64_t, 3>> select_boxes(const BoxSelection& selection);

}  // namespace lathe
