// Walks what is added to one pixel of the output where windows are turned round (graph/transposed_window.h).
#pragma once

#include <cstdint>

#include "graph/transposed_window.h"

namespace lathe::portable {

struct TransposedWindows {
  int axes = 0;
  WindowAxis axis[kMaxWindowAxes]{};

  std::int64_t pixels() const { return product(&WindowAxis::output); }
  std::int64_t input_pixels() const { return product(&WindowAxis::input); }
  std::int64_t kernel_size() const { return product(&WindowAxis::kernel); }

  /// Calls body(input pixel, kernel element) for each that meets in the output pixel, by kernel elements.
  template <class Body>
  void for_each_source(std::int64_t pixel, Body body) const {
    std::int64_t at[kMaxWindowAxes];
    for (int i = axes - 1; i >= 0; --i) {
      at[i] = pixel % axis[i].output + axis[i].pad_begin;
      pixel /= axis[i].output;
    }
    std::int64_t index[kMaxWindowAxes] = {};
    for (;;) {
      std::int64_t source = 0;
      std::int64_t k = 0;
      bool meets = true;
      for (int i = 0; i < axes; ++i) {
        const std::int64_t distance = at[i] - index[i] * axis[i].dilation;
        meets = meets && distance >= 0 && distance % axis[i].stride == 0 &&
                distance / axis[i].stride < axis[i].input;
        source = source * axis[i].input + distance / axis[i].stride;
        k = k * axis[i].kernel + index[i];
      }
      if (meets) body(source, k);
      int i = axes - 1;
      for (; i >= 0 && ++index[i] == axis[i].kernel; --i) index[i] = 0;
      if (i < 0) return;
    }
  }

 private:
  std::int64_t product(std::int64_t WindowAxis::*length) const {
    std::int64_t result = 1;
    for (int i = 0; i < axes; ++i) result *= axis[i].*length;
    return result;
  }
};

}  // namespace lathe::portable
