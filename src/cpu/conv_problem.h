// What a convolution in float32 is given, in numbers. Plain data and functions of internal linkage, so that
// ISA files may include it.
#pragma once

#include "cpu/conv_epilogue.h"
#include "graph/window.h"

namespace lathe::conv {
namespace {

constexpr std::int64_t kLanes = 16;

struct Problem {
  int axes;
  WindowAxis axis[kMaxWindowAxes];
  std::int64_t items;     // groups of all images
  std::int64_t groups;    // of an image
  std::int64_t rows;      // of a group, as all below
  std::int64_t channels;  // of the input
  std::int64_t depth;
  std::int64_t pixels;
  std::int64_t input_pixels;
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

/// Pixels that lie one behind the other in input and output alike.
[[maybe_unused]] bool is_pointwise(const Problem& problem) {
  for (int i = 0; i < problem.axes; ++i) {
    const WindowAxis& axis = problem.axis[i];
    if (axis.kernel != 1 || axis.stride != 1 || axis.pad_begin != 0 || axis.pad_end != 0) return false;
  }
  return true;
}

template <bool kFused>
Problem problem_of(const KernelCall& call) {
  const TensorArg& x = call.inputs[0];
  const TensorArg& weights = call.inputs[1];
  Problem problem{};
  problem.axes = x.rank - 2;
  resolve_windows(
      {call.attributes[0].text, call.attributes[1].text, call.attributes[4].text, call.attributes[5].text},
      problem.axes, x.dims + 2, weights.dims + 2, false, problem.axis);
  problem.groups = call.attributes[2].integer;
  problem.items = x.dims[0] * problem.groups;
  problem.rows = weights.dims[0] / problem.groups;
  problem.channels = weights.dims[1];
  problem.depth = problem.channels;
  problem.pixels = problem.input_pixels = 1;
  for (int i = 0; i < problem.axes; ++i) {
    problem.depth *= problem.axis[i].kernel;
    problem.pixels *= problem.axis[i].output;
    problem.input_pixels *= problem.axis[i].input;
  }
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

struct Range {
  std::int64_t begin;
  std::int64_t end;
};

[[maybe_unused]] Range share(std::int64_t count, std::int64_t part, std::int64_t parts) {
  return {count * part / parts, count * (part + 1) / parts};
}

}  // namespace
}  // namespace lathe::conv
