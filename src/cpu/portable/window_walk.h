// Walks the elements of an input that one window covers.
#pragma once

#include <cstdint>

#include "cpu/portable/kernel_arguments.h"
#include "graph/window.h"

namespace lathe::portable {

class Windows {
 public:
  /// Over the spatial axes of x [N, C, spatial...].
  Windows(const WindowTexts& texts, const TensorArg& x, const std::int64_t* kernel, bool ceil_mode)
      : axes_(x.rank - 2) {
    resolve_windows(texts, axes_, x.dims + 2, kernel, ceil_mode, axis_);
    for (int i = 0; i < axes_; ++i) {
      pixels_ *= axis_[i].output;
      input_pixels_ *= axis_[i].input;
      kernel_size_ *= axis_[i].kernel;
    }
  }

  int axes() const { return axes_; }
  const WindowAxis& axis(int index) const { return axis_[index]; }
  std::int64_t pixels() const { return pixels_; }  // of the output
  std::int64_t input_pixels() const { return input_pixels_; }
  std::int64_t kernel_size() const { return kernel_size_; }

  /// Calls body(input pixel, kernel element) for each element of the output pixel's window inside the input,
  /// in row-major order.
  template <class Body>
  void for_each_inside(std::int64_t pixel, Body body) const {
    std::int64_t first[kMaxWindowAxes];
    std::int64_t last[kMaxWindowAxes];
    std::int64_t start[kMaxWindowAxes];
    std::int64_t index[kMaxWindowAxes];
    for (int i = axes_ - 1; i >= 0; --i) {
      const std::int64_t out = pixel % axis_[i].output;
      pixel /= axis_[i].output;
      first[i] = index[i] = first_kernel(axis_[i], out);
      last[i] = last_kernel(axis_[i], out);
      start[i] = first_input(axis_[i], out);
      if (first[i] >= last[i]) return;
    }
    for (;;) {
      std::int64_t at = 0;
      std::int64_t k = 0;
      for (int i = 0; i < axes_; ++i) {
        at = at * axis_[i].input + start[i] + index[i] * axis_[i].dilation;
        k = k * axis_[i].kernel + index[i];
      }
      body(at, k);
      int i = axes_ - 1;
      for (; i >= 0 && ++index[i] == last[i]; --i) index[i] = first[i];
      if (i < 0) return;
    }
  }

 private:
  int axes_;
  WindowAxis axis_[kMaxWindowAxes]{};
  std::int64_t pixels_ = 1;
  std::int64_t input_pixels_ = 1;
  std::int64_t kernel_size_ = 1;
};

}  // namespace lathe::portable
