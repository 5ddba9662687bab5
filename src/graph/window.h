// Windows that move over the spatial axes of a tensor [N, C, spatial...]: convolution and pooling. Shape
// rules and kernels ask the same functions. Plain data and functions of internal linkage, so that ISA files
// may include it.
#pragma once

#include <cstdint>

namespace lathe {

inline constexpr int kMaxWindowAxes = 6;
inline constexpr std::int64_t kMaxWindowNumber = std::int64_t{1} << 31;

/// One spatial axis. The window for output o covers input o * stride - pad_begin + k * dilation.
struct WindowAxis {
  std::int64_t input;
  std::int64_t kernel;
  std::int64_t stride;
  std::int64_t dilation;
  std::int64_t pad_begin;
  std::int64_t pad_end;
  std::int64_t output;
};

static inline std::int64_t window_extent(const WindowAxis& axis) {
  return (axis.kernel - 1) * axis.dilation + 1;
}
static inline std::int64_t first_input(const WindowAxis& axis, std::int64_t out) {
  return out * axis.stride - axis.pad_begin;
}
/// Kernel indices [first_kernel, last_kernel) of an output lie inside the input.
static inline std::int64_t first_kernel(const WindowAxis& axis, std::int64_t out) {
  const std::int64_t start = first_input(axis, out);
  return start >= 0 ? 0 : (-start + axis.dilation - 1) / axis.dilation;
}
static inline std::int64_t last_kernel(const WindowAxis& axis, std::int64_t out) {
  const std::int64_t room = axis.input - first_input(axis, out);
  const std::int64_t fit = room <= 0 ? 0 : (room + axis.dilation - 1) / axis.dilation;
  return fit < axis.kernel ? fit : axis.kernel;
}

/// A list of whole numbers in text: "1,-2, 3". count -1: it is none, is too long, or a number is too large.
struct WindowNumbers {
  std::int64_t values[2 * kMaxWindowAxes];
  int count;
};

static inline std::int64_t number_at(const WindowNumbers& list, int index, std::int64_t otherwise) {
  return index < list.count ? list.values[index] : otherwise;
}

static inline WindowNumbers window_numbers(const char* text) {
  WindowNumbers list{{}, 0};
  std::int64_t value = 0;
  bool digits = false;
  bool negative = false;
  for (;; ++text) {
    if (*text >= '0' && *text <= '9') {
      value = value * 10 + (*text - '0');
      digits = true;
      if (value > kMaxWindowNumber) return {{}, -1};
    } else if (*text == '-' && !digits && !negative) {
      negative = true;
    } else if (*text == ',' || *text == '\0') {
      if (*text == '\0' && !digits && list.count == 0) return list;
      if (!digits || list.count == 2 * kMaxWindowAxes) return {{}, -1};
      list.values[list.count++] = negative ? -value : value;
      if (*text == '\0') return list;
      value = 0;
      digits = negative = false;
    } else if (*text != ' ') {
      return {{}, -1};
    }
  }
}

enum class AutoPad : std::uint8_t { given, valid, same_upper, same_lower, unknown };

static inline bool window_text_equal(const char* a, const char* b) {
  for (; *a != '\0' && *a == *b; ++a, ++b) {
  }
  return *a == *b;
}

static inline AutoPad auto_pad_of(const char* text) {
  if (*text == '\0' || window_text_equal(text, "NOTSET")) return AutoPad::given;
  if (window_text_equal(text, "VALID")) return AutoPad::valid;
  if (window_text_equal(text, "SAME_UPPER")) return AutoPad::same_upper;
  if (window_text_equal(text, "SAME_LOWER")) return AutoPad::same_lower;
  return AutoPad::unknown;
}

/// Fills in `output`, and the pads where they are not given. The output is less than 1 where none fits.
static inline void resolve_window(WindowAxis& axis, AutoPad auto_pad, bool ceil_mode) {
  if (auto_pad == AutoPad::same_upper || auto_pad == AutoPad::same_lower) {
    axis.output = (axis.input + axis.stride - 1) / axis.stride;
    const std::int64_t missing = (axis.output - 1) * axis.stride + window_extent(axis) - axis.input;
    const std::int64_t total = missing > 0 ? missing : 0;
    axis.pad_begin = auto_pad == AutoPad::same_upper ? total / 2 : total - total / 2;
    axis.pad_end = total - axis.pad_begin;
    return;
  }
  if (auto_pad == AutoPad::valid) axis.pad_begin = axis.pad_end = 0;
  const std::int64_t room = axis.input + axis.pad_begin + axis.pad_end - window_extent(axis);
  if (room < 0) {
    axis.output = 0;
    return;
  }
  axis.output = (room + (ceil_mode ? axis.stride - 1 : 0)) / axis.stride + 1;
  // The last window starts inside the input or the padding before it.
  if (ceil_mode && (axis.output - 1) * axis.stride >= axis.input + axis.pad_begin) --axis.output;
}

/// The attributes of a window, as texts.
struct WindowTexts {
  const char* auto_pad;
  const char* dilations;
  const char* pads;
  const char* strides;
};

/// All axes, of attributes that a rule has checked; `kernel` gives as many numbers.
static inline void resolve_windows(const WindowTexts& texts, int axes, const std::int64_t* input,
                                   const std::int64_t* kernel, bool ceil_mode, WindowAxis* result) {
  const WindowNumbers dilations = window_numbers(texts.dilations);
  const WindowNumbers pads = window_numbers(texts.pads);
  const WindowNumbers strides = window_numbers(texts.strides);
  for (int i = 0; i < axes; ++i) {
    result[i] = {input[i],
                 kernel[i],
                 number_at(strides, i, 1),
                 number_at(dilations, i, 1),
                 number_at(pads, i, 0),
                 number_at(pads, i + axes, 0),
                 0};
    resolve_window(result[i], auto_pad_of(texts.auto_pad), ceil_mode);
  }
}

}  // namespace lathe
