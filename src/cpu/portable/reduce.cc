// ReduceMean, ReduceSum, ReduceMax, ReduceMin, ReduceL1, ReduceL2, ReduceSumSquare, ReduceLogSum and
// ReduceLogSumExp; attributes axes (empty: all) and keepdims. An output's elements are taken in row-major
// order into 16 lanes, element i into lane i % 16, which are then joined in a tree. NaN stays NaN.
#include <cmath>
#include <limits>

#include "cpu/portable/exp_f32.h"
#include "cpu/portable/strided.h"
#include "cpu/portable/text_list.h"

namespace lathe::portable {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// The reduced axes of x as a tensor of their own, and the others.
struct Split {
  TensorArg reduced;
  TensorArg kept;
  Strides reduced_strides{};
  Strides kept_strides{};
};

Split split_axes(const KernelCall& call) {
  const auto& x = call.inputs[0];
  const AxisList list = axis_list(call.attributes[0].text, x.rank);
  const Strides own = dense_strides(x);
  Split split{{nullptr, {}, 0, x.dtype}, {nullptr, {}, 0, x.dtype}, {}, {}};
  for (int axis = 0; axis < x.rank; ++axis) {
    bool reduced = list.count == 0;
    for (int i = 0; i < list.count; ++i) reduced |= list.axes[static_cast<std::size_t>(i)] == axis;
    auto& part = reduced ? split.reduced : split.kept;
    auto& strides = reduced ? split.reduced_strides : split.kept_strides;
    strides[static_cast<std::size_t>(part.rank)] = own[static_cast<std::size_t>(axis)];
    part.dims[part.rank++] = x.dims[axis];
  }
  return split;
}

/// Lanes of `first`, joined with each element's value.
template <class Value, class Join>
float reduce(const float* x, const Split& split, float first, Value value, Join join) {
  float lanes[16];
  std::fill(lanes, lanes + 16, first);
  const std::array<Strides, 1> strides = {split.reduced_strides};
  for_each_run(split.reduced, strides, {0, element_count(split.reduced)},
               [&](std::int64_t i, std::int64_t length, const auto& offsets, const auto& steps) {
                 for (std::int64_t k = 0; k < length; ++k) {
                   float& lane = lanes[(i + k) % 16];
                   lane = join(lane, value(x[offsets[0] + k * steps[0]]));
                 }
               });
  for (int half = 8; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) lanes[i] = join(lanes[i], lanes[i + half]);
  return lanes[0];
}

template <class Value>
float sum(const float* x, const Split& split, Value value) {
  return reduce(x, split, 0.0f, value, [](float a, float b) { return a + b; });
}

float itself(float x) { return x; }
float logarithm(float x) { return static_cast<float>(std::log(static_cast<double>(x))); }

float reduce_sum(const float* x, const Split& split) { return sum(x, split, itself); }
float reduce_mean(const float* x, const Split& split) {
  return sum(x, split, itself) / static_cast<float>(element_count(split.reduced));
}
float reduce_max(const float* x, const Split& split) {
  return reduce(x, split, -kInfinity, itself, [](float a, float b) { return b > a || b != b ? b : a; });
}
float reduce_min(const float* x, const Split& split) {
  return reduce(x, split, kInfinity, itself, [](float a, float b) { return b < a || b != b ? b : a; });
}
float reduce_l1(const float* x, const Split& split) {
  return sum(x, split, [](float value) { return std::fabs(value); });
}
float reduce_sum_square(const float* x, const Split& split) {
  return sum(x, split, [](float value) { return value * value; });
}
float reduce_l2(const float* x, const Split& split) { return std::sqrt(reduce_sum_square(x, split)); }
float reduce_log_sum(const float* x, const Split& split) { return logarithm(reduce_sum(x, split)); }
float reduce_log_sum_exp(const float* x, const Split& split) {
  const float greatest = reduce_max(x, split);
  const float shift = greatest > -kInfinity && greatest < kInfinity ? greatest : 0.0f;
  return shift + logarithm(sum(x, split, [shift](float value) { return exp_f32(value - shift); }));
}

template <float (*function)(const float*, const Split&)>
void run(const KernelCall& call) {
  const auto* x = data_of<const float>(call.inputs[0]);
  auto* y = data_of<float>(call.outputs[0]);
  const Split split = split_axes(call);
  const std::array<Strides, 1> strides = {split.kept_strides};
  for_each_run(split.kept, strides, share_of(call, element_count(split.kept)),
               [&](std::int64_t i, std::int64_t length, const auto& offsets, const auto& steps) {
                 for (std::int64_t k = 0; k < length; ++k)
                   y[i + k] = function(x + offsets[0] + k * steps[0], split);
               });
}

bool serial(const KernelCall& call) { return element_count(call.inputs[0]) <= 8192; }

Kernel kernel(const char* name, std::string_view op, KernelFunction function) {
  return {
      .name = name, .op = op, .arithmetic = "f32", .accepts = accepts_f32, .run = function, .serial = serial};
}

}  // namespace

std::span<const Kernel> reduce_kernels() {
  static const Kernel kKernels[] = {
      kernel("portable.reduce_l1", "ReduceL1", run<reduce_l1>),
      kernel("portable.reduce_l2", "ReduceL2", run<reduce_l2>),
      kernel("portable.reduce_log_sum", "ReduceLogSum", run<reduce_log_sum>),
      kernel("portable.reduce_log_sum_exp", "ReduceLogSumExp", run<reduce_log_sum_exp>),
      kernel("portable.reduce_max", "ReduceMax", run<reduce_max>),
      kernel("portable.reduce_mean", "ReduceMean", run<reduce_mean>),
      kernel("portable.reduce_min", "ReduceMin", run<reduce_min>),
      kernel("portable.reduce_sum", "ReduceSum", run<reduce_sum>),
      kernel("portable.reduce_sum_square", "ReduceSumSquare", run<reduce_sum_square>),
  };
  return kKernels;
}

}  // namespace lathe::portable
