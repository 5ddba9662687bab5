// Windows turned round: input element i is added to the output at i * stride - pad_begin + k * dilation.
// Transposed convolution, and windows put back into an image. Plain data and functions of internal linkage.
#pragma once

#include "graph/window.h"

namespace lathe {

/// The attributes of ConvTranspose, as texts.
struct TransposedTexts {
  const char* auto_pad;
  const char* dilations;
  const char* output_padding;
  const char* output_shape;
  const char* pads;
  const char* strides;
};

/// Axis i of `axes`, of attributes that a rule has checked; `output` is what comes out.
static inline WindowAxis transposed_window(const TransposedTexts& texts, int axes, int i, std::int64_t input,
                                           std::int64_t kernel) {
  const WindowNumbers pads = window_numbers(texts.pads);
  const WindowNumbers shape = window_numbers(texts.output_shape);
  const AutoPad auto_pad = auto_pad_of(texts.auto_pad);
  WindowAxis axis{input,
                  kernel,
                  number_at(window_numbers(texts.strides), i, 1),
                  number_at(window_numbers(texts.dilations), i, 1),
                  number_at(pads, i, 0),
                  number_at(pads, i + axes, 0),
                  0};
  const std::int64_t full =
      (input - 1) * axis.stride + window_extent(axis) + number_at(window_numbers(texts.output_padding), i, 0);
  const bool same = auto_pad == AutoPad::same_upper || auto_pad == AutoPad::same_lower;
  if (auto_pad == AutoPad::valid) axis.pad_begin = axis.pad_end = 0;
  axis.output = full - axis.pad_begin - axis.pad_end;
  if (!same && shape.count == 0) return axis;
  axis.output = shape.count > 0 ? shape.values[i] : input * axis.stride;
  const std::int64_t total = full > axis.output ? full - axis.output : 0;
  axis.pad_begin = auto_pad == AutoPad::same_upper ? total / 2 : total - total / 2;
  axis.pad_end = total - axis.pad_begin;
  return axis;
}

}  // namespace lathe
