// Linear quantization: value = scale * (code - zero point), with signed codes of 2 to 8 bits.
//
//   symmetric   scale = largest |value| / (2^(bits - 1) - 1), zero point 0; codes from -(2^(bits - 1) - 1) to
//               2^(bits - 1) - 1, so that they are as many on both sides
//   asymmetric  scale = (largest - smallest) / (2^bits - 1), zero point = -2^(bits - 1) - smallest / scale to
//               the nearest code; codes from -2^(bits - 1) to 2^(bits - 1) - 1. The range always holds 0,
//               which thereby is a code and exact
//
// A code is value / scale, as float32 divides, to nearest even, plus the zero point, held to the codes. What
// comes back is within half a step of the value. Values that are all 0 have scale 1.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace lathe {

enum class ScaleSharing {
  tensor,   // one scale
  channel,  // one for each index along `axis`
  group,    // one for each `group` values along the last axis; the last group of a row may be shorter
};

struct LinearScheme {
  int bits = 8;
  bool symmetric = true;
  ScaleSharing sharing = ScaleSharing::tensor;
  int axis = 0;
  std::int64_t group = 0;
};

struct CodeRange {
  int lowest;
  int highest;
};

CodeRange code_range(int bits, bool symmetric);

struct LinearScale {
  float scale;
  int zero_point;
};

/// For values between `smallest` and `largest`, both finite.
LinearScale linear_scale(float smallest, float largest, int bits, bool symmetric);

/// Of a finite value.
int linear_code(float value, const LinearScale& scale, const CodeRange& range);

/// Held to the largest float, which half a step may lie beyond.
float linear_value(int code, const LinearScale& scale);

struct LinearQuantized {
  LinearScheme scheme;
  std::vector<std::int64_t> shape;
  std::vector<std::int8_t> codes;   // as the values lie
  std::vector<LinearScale> scales;  // by channel, or by row and group
};

/// `values` of `shape`, the last axis innermost. Throws Error(invalid_argument) for a scheme outside its
/// range, and for a value that is NaN or infinite, which is named by its index.
LinearQuantized quantize_linear(std::span<const float> values, std::span<const std::int64_t> shape,
                                const LinearScheme& scheme);

std::vector<float> dequantize_linear(const LinearQuantized& quantized);

}  // namespace lathe
