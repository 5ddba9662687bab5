// A text attribute that is a list of axes, as kernels read it: without allocating, at most one for each axis.
// The shape rules have checked the text.
#pragma once

#include <array>

#include "backend/kernel_call.h"

namespace lathe::portable {

struct AxisList {
  std::array<int, kMaxRank> axes{};
  int count = 0;
};

/// "1, -1" of a tensor of rank 3 is 1 and 2.
inline AxisList axis_list(const char* text, int rank) {
  AxisList list;
  int value = 0;
  bool digits = false;
  bool negative = false;
  for (;; ++text) {
    if (*text >= '0' && *text <= '9') {
      value = value * 10 + (*text - '0');
      digits = true;
    } else if (*text == '-') {
      negative = true;
    } else if (*text == ',' || *text == '\0') {
      if (digits && list.count < kMaxRank)
        list.axes[static_cast<std::size_t>(list.count++)] = negative && value > 0 ? rank - value : value;
      if (*text == '\0') return list;
      value = 0;
      digits = negative = false;
    }
  }
}

}  // namespace lathe::portable
