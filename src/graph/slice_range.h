// Which elements of an axis a slice takes, by ONNX's rule: what lies outside is cut off, and negative places
// count from the back. Rules and kernels agree on it here.
#pragma once

#include <algorithm>
#include <cstdint>

#include "graph/type.h"

namespace lathe {

/// Elements start, start + step, ... of an axis: `count` of them, all within it.
struct SliceRange {
  std::int64_t start = 0;
  std::int64_t step = 1;
  std::int64_t count = 0;
};

/// `step` is not 0; `dim` is 0 to kMaxDim.
inline SliceRange slice_range(std::int64_t dim, std::int64_t start, std::int64_t end, std::int64_t step) {
  const std::int64_t stride =
      std::clamp(step, -kMaxDim - 1, kMaxDim + 1);  // beyond: one element all the same
  const std::int64_t least = stride > 0 ? 0 : -1;
  const std::int64_t most = stride > 0 ? dim : dim - 1;
  const auto place = [&](std::int64_t given) {
    return std::clamp(given < 0 ? given + dim : given, least, most);
  };
  const std::int64_t first = std::max(place(start), std::int64_t{0});
  const std::int64_t last = place(end);
  const std::int64_t distance = stride > 0 ? last - first : first - last;
  const std::int64_t size = stride > 0 ? stride : -stride;
  if (dim == 0 || distance <= 0 || (stride < 0 && place(start) < 0)) return {};
  const std::int64_t count = (distance + size - 1) / size;
  return {first, count > 1 ? stride : 1, count};
}

}  // namespace lathe
