// Whether a tensor is the one that a test of the ONNX suite expects.
#pragma once

#include <string>

#include "lathe/execute.h"

namespace lathe {

/// Empty where type and shape are equal and |actual - expected| <= absolute + relative * |expected| for every
/// element; else what differs first. NaN equals NaN, and infinities themselves. bf16 is held to two units in
/// the last place at least.
std::string onnx_difference(const Tensor& actual, const Tensor& expected, const Tolerance& tolerance);

}  // namespace lathe
