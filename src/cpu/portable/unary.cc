// Functions of one element: Abs, Clip, Erf, Exp, Identity, Log, Neg, Reciprocal, Relu, Sigmoid, Softplus and
// Sqrt. The output may be x. NaN stays NaN.
#include <algorithm>
#include <cmath>
#include <cstddef>

#include "cpu/element_formulas.h"
#include "cpu/portable/erf_f32.h"
#include "cpu/portable/exp_f32.h"
#include "cpu/portable/kernel_arguments.h"
#include "cpu/portable/log1p_f32.h"

namespace lathe::portable {
namespace {

float absolute(float x) { return std::fabs(x); }
float logarithm(float x) { return static_cast<float>(std::log(static_cast<double>(x))); }
float negative(float x) { return -x; }
float reciprocal(float x) { return 1.0f / x; }
float sigmoid(float x) { return 1.0f / (1.0f + exp_f32(-x)); }
/// log(1 + exp(x)), from the side where nothing overflows.
float softplus(float x) { return log1p_f32(exp_f32(-std::fabs(x))) + (0.0f > x ? 0.0f : x); }
float square_root(float x) { return std::sqrt(x); }

template <float (*function)(float)>
void run(const KernelCall& call) {
  const auto* x = data_of<const float>(call.inputs[0]);
  auto* y = data_of<float>(call.outputs[0]);
  const Share share = share_of(call, element_count(call.inputs[0]));
  for (std::int64_t i = share.begin; i < share.end; ++i) y[i] = function(x[i]);
}

/// Of any type whose elements are whole bytes.
void run_identity(const KernelCall& call) {
  const auto bytes = static_cast<std::int64_t>(info(static_cast<Dtype>(call.inputs[0].dtype)).block_bytes);
  const Share share = share_of(call, element_count(call.inputs[0]));
  const auto* x = data_of<const std::byte>(call.inputs[0]) + share.begin * bytes;
  auto* y = data_of<std::byte>(call.outputs[0]) + share.begin * bytes;
  if (x != y) std::copy(x, x + (share.end - share.begin) * bytes, y);
}

bool accepts_elements(const NodeTypes& types) { return info(types.inputs[0].dtype).block_elements == 1; }

void run_clip(const KernelCall& call) {
  const formulas::Bounds bounds = formulas::clip_bounds(call.attributes[0].real, call.attributes[1].real);
  const auto* x = data_of<const float>(call.inputs[0]);
  auto* y = data_of<float>(call.outputs[0]);
  const Share share = share_of(call, element_count(call.inputs[0]));
  for (std::int64_t i = share.begin; i < share.end; ++i) y[i] = formulas::clip(x[i], bounds);
}

bool serial(const KernelCall& call) { return element_count(call.inputs[0]) <= 8192; }

Kernel kernel(const char* name, std::string_view op, KernelFunction function,
              bool (*accepts)(const NodeTypes&) = accepts_f32) {
  return {.name = name,
          .op = op,
          .arithmetic = "f32",
          .accepts = accepts,
          .run = function,
          .serial = serial,
          .in_place_input = 0};
}

}  // namespace

std::span<const Kernel> unary_kernels() {
  static const Kernel kKernels[] = {
      kernel("portable.abs", "Abs", run<absolute>),
      kernel("portable.clip", "Clip", run_clip),
      kernel("portable.erf", "Erf", run<erf_f32>),
      kernel("portable.exp", "Exp", run<exp_f32>),
      kernel("portable.identity", "Identity", run_identity, accepts_elements),
      kernel("portable.log", "Log", run<logarithm>),
      kernel("portable.neg", "Neg", run<negative>),
      kernel("portable.reciprocal", "Reciprocal", run<reciprocal>),
      kernel("portable.relu", "Relu", run<formulas::relu>),
      kernel("portable.sigmoid", "Sigmoid", run<sigmoid>),
      kernel("portable.softplus", "Softplus", run<softplus>),
      kernel("portable.sqrt", "Sqrt", run<square_root>),
  };
  return kKernels;
}

}  // namespace lathe::portable
