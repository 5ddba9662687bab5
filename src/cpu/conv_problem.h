// What a convolution in float32 is given, in numbers. Plain data and functions of internal linkage, so that
// ISA files may include it.
#pragma once

#include "cpu/conv_epilogue.h"
#include "cpu/conv_windows.h"

namespace lathe::conv {
namespace {

constexpr std::int64_t kLanes = 16;

struct Problem : Windows {
  const float* x;
  const float* weights;
  const float* bias;  // or null
  float* y;
  const float* factors;  // of all channels, or null: what a prologue scales them with...
  const float* offsets;  // ...and adds, before it takes the greater of 0 and the sum
  Epilogue epilogue;
};

constexpr int kAttributes = 6;  // of Conv; behind them FusedConv's own
constexpr int kPrologueAttribute = kAttributes + 3;
// Of Conv, the bias among them; behind them the epilogue's operands, then the prologue's factors and offsets.
constexpr int kInputs = 3;

/// A last axis of one pixel is none, so that those of the axis in front lie in a row.
[[maybe_unused]] void drop_single_pixels(Windows& windows) {
  while (windows.axes > 1) {
    const WindowAxis& last = windows.axis[windows.axes - 1];
    if (last.input != 1 || last.kernel != 1 || last.output != 1 || last.pad_begin != 0) return;
    --windows.axes;
  }
}

template <bool kFused>
Problem problem_of(const KernelCall& call) {
  const TensorArg& x = call.inputs[0];
  const TensorArg& weights = call.inputs[1];
  Problem problem{};
  static_cast<Windows&>(problem) = windows_of(x, weights, call.attributes);
  problem.x = static_cast<const float*>(x.data);
  problem.weights = static_cast<const float*>(weights.data);
  // What is left out in front of others is a tensor of no elements.
  const bool has_bias = call.input_count > 2 && call.inputs[2].rank == 1 && call.inputs[2].dims[0] > 0;
  problem.bias = has_bias ? static_cast<const float*>(call.inputs[2].data) : nullptr;
  problem.y = static_cast<float*>(call.outputs[0].data);
  if (is_pointwise(problem)) {
    problem.axes = 1;
    problem.axis[0] = {problem.pixels, 1, 1, 1, 0, 0, problem.pixels};
  }
  drop_single_pixels(problem);
  if constexpr (kFused) {
    problem.epilogue = epilogue_of(call, kAttributes, kInputs);
    if (*call.attributes[kPrologueAttribute].text != '\0') {
      const TensorArg* operands = call.inputs + kInputs + problem.epilogue.program.operands;
      problem.factors = static_cast<const float*>(operands[0].data);
      problem.offsets = static_cast<const float*>(operands[1].data);
    }
  }
  return problem;
}

}  // namespace
}  // namespace lathe::conv
