// Which slices along an axis are equal. The rule of Unique counts them, and its kernel needs them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tensor/dtype.h"

namespace lathe {

/// A tensor seen as [outer, count, inner]; slice i has its elements at [., i, .].
struct SliceView {
  const std::byte* data;
  Dtype dtype;  // one that visit_format() knows
  std::int64_t outer, count, inner;
};

struct UniqueSlices {
  std::vector<std::int64_t> first;    // the first slice of each group of equal ones
  std::vector<std::int64_t> counts;   // how many it has
  std::vector<std::int64_t> inverse;  // the group of each slice
};

/// Groups in ascending order, or in that of their first slices.
UniqueSlices unique_slices(const SliceView& view, bool sorted);

}  // namespace lathe
