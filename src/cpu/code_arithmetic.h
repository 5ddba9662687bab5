// AddCodes, SubCodes and MulCodes (graph/code_arithmetic.h), over a vector type V of 16 floats and the
// functions of avx2/code_vector.h and avx512/code_vector.h. Plain data and functions of internal linkage, so
// that ISA files may include it.
//
// Axes along which a and b lie alike are joined into one, so that the last one is a run in which each of them
// goes on or stays.
#pragma once

#include "cpu/code_epilogue.h"
#include "graph/code_arithmetic.h"

namespace lathe::codes {
namespace {

/// An operand of a pair.
struct Operand {
  const std::uint8_t* codes;
  bool is_signed;
  float scale;
  float zero;
};

/// y's axes, and how far apart a and b are along each; 0 where they broadcast.
struct PairAxes {
  int rank;
  std::int64_t dims[kMaxRank];
  std::int64_t a[kMaxRank];
  std::int64_t b[kMaxRank];
};

struct PairProblem {
  Operand a;
  Operand b;
  std::uint8_t* y;
  float least;  // in steps of y's scale
  float most;
  float y_scale;
  std::int32_t y_zero;
};

[[maybe_unused]] PairProblem pair_problem(const KernelCall& call) {
  using namespace code_arithmetic;
  const auto number = [&call](int input) { return *static_cast<const float*>(call.inputs[input].data); };
  const auto operand = [&](int codes, int scale, int zero) {
    const TensorArg& tensor = call.inputs[codes];
    return Operand{static_cast<const std::uint8_t*>(tensor.data), tensor.dtype == kI8, number(scale),
                   static_cast<float>(code_of(call.inputs[zero]))};
  };
  PairProblem problem{operand(kA, kAScale, kAZero),
                      operand(kB, kBScale, kBZero),
                      static_cast<std::uint8_t*>(call.outputs[0].data),
                      0,
                      0,
                      number(kYScale),
                      code_of(call.inputs[kYZero])};
  const auto low = static_cast<float>((call.outputs[0].dtype == kI8 ? -128 : 0) - problem.y_zero);
  const auto bound = [&](float real) { return bound_in_steps(real, problem.y_scale, low, low + 255.0f); };
  problem.least = bound(code_product::least_of(call.attributes[0].real));
  problem.most = bound(code_product::most_of(call.attributes[1].real));
  return problem;
}

[[maybe_unused]] PairAxes pair_axes(const TensorArg& a, const TensorArg& b, const TensorArg& y) {
  PairAxes axes{};
  std::int64_t a_step = 1;
  std::int64_t b_step = 1;
  for (int axis = y.rank - 1; axis >= 0; --axis) {  // the last one first
    const int of_a = axis - (y.rank - a.rank);
    const int of_b = axis - (y.rank - b.rank);
    const std::int64_t a_dim = of_a < 0 ? 1 : a.dims[of_a];
    const std::int64_t b_dim = of_b < 0 ? 1 : b.dims[of_b];
    const std::int64_t dim = y.dims[axis];
    const std::int64_t a_stride = a_dim == 1 ? 0 : a_step;
    const std::int64_t b_stride = b_dim == 1 ? 0 : b_step;
    a_step *= a_dim;
    b_step *= b_dim;
    if (dim == 1) continue;
    const int last = axes.rank - 1;
    if (last >= 0 && a_stride == axes.a[last] * axes.dims[last] &&
        b_stride == axes.b[last] * axes.dims[last]) {
      axes.dims[last] *= dim;
      continue;
    }
    axes.dims[axes.rank] = dim;
    axes.a[axes.rank] = a_stride;
    axes.b[axes.rank++] = b_stride;
  }
  if (axes.rank == 0) axes.dims[axes.rank++] = 1;
  return axes;
}

template <class V>
[[gnu::always_inline]] inline V real_codes(const Operand& operand, std::int64_t at, std::int64_t step,
                                           std::int64_t count) {
  V codes;
  if (step != 0) {
    codes = load_codes(V{}, operand.codes + at, operand.is_signed, count);
  } else {
    const std::uint8_t code = operand.codes[at];
    codes = broadcast(V{}, operand.is_signed ? static_cast<float>(static_cast<std::int8_t>(code))
                                             : static_cast<float>(code));
  }
  return (codes - broadcast(V{}, operand.zero)) * broadcast(V{}, operand.scale);
}

template <class V, class Operation>
void pair_codes(const KernelCall& call) {
  constexpr std::int64_t kLanes = 16;
  const PairProblem problem = pair_problem(call);
  const PairAxes axes =
      pair_axes(call.inputs[code_arithmetic::kA], call.inputs[code_arithmetic::kB], call.outputs[0]);
  const V y_scale = broadcast(V{}, problem.y_scale);
  const V least = broadcast(V{}, problem.least);
  const V most = broadcast(V{}, problem.most);
  std::int64_t elements = 1;
  for (int axis = 0; axis < axes.rank; ++axis) elements *= axes.dims[axis];
  const std::int64_t end = elements * (call.thread + 1) / call.threads;
  for (std::int64_t i = elements * call.thread / call.threads; i < end;) {
    const std::int64_t first = i % axes.dims[0];
    const std::int64_t length = axes.dims[0] - first < end - i ? axes.dims[0] - first : end - i;
    std::int64_t a = first * axes.a[0];
    std::int64_t b = first * axes.b[0];
    std::int64_t rest = i / axes.dims[0];
    for (int axis = 1; axis < axes.rank; ++axis) {
      a += rest % axes.dims[axis] * axes.a[axis];
      b += rest % axes.dims[axis] * axes.b[axis];
      rest /= axes.dims[axis];
    }
    for (std::int64_t k = 0; k < length; k += kLanes) {
      const std::int64_t count = length - k < kLanes ? length - k : kLanes;
      const V left = real_codes<V>(problem.a, a + k * axes.a[0], axes.a[0], count);
      const V right = real_codes<V>(problem.b, b + k * axes.b[0], axes.b[0], count);
      const V steps = Operation::join(left, right) / y_scale;
      store_codes(problem.y + i + k, lesser(greater(steps, least), most), problem.y_zero, count);
    }
    i += length;
  }
}

struct Sum {
  template <class V>
  [[gnu::always_inline]] static V join(V a, V b) {
    return a + b;
  }
};
struct Difference {
  template <class V>
  [[gnu::always_inline]] static V join(V a, V b) {
    return a - b;
  }
};
struct Product {
  template <class V>
  [[gnu::always_inline]] static V join(V a, V b) {
    return a * b;
  }
};

}  // namespace
}  // namespace lathe::codes
