// Element by element with ONNX's broadcasting: Add, Mul, Sub, Div, Pow (a, b); Where (condition i8, a, b);
// Expand (x). Add and Mul have faster kernels where b is a row, a number, or has a's shape.
#include <cmath>

#include "cpu/portable/strided.h"

namespace lathe::portable {
namespace {

float add(float a, float b) { return a + b; }
float multiply(float a, float b) { return a * b; }
float subtract(float a, float b) { return a - b; }
float divide(float a, float b) { return a / b; }
/// In double, so that squares and roots are those of x * x and sqrt(x).
float power(float a, float b) {
  return static_cast<float>(std::pow(static_cast<double>(a), static_cast<double>(b)));
}

template <float (*operation)(float, float)>
void run(const KernelCall& call) {
  const auto& output = call.outputs[0];
  const auto* a = data_of<const float>(call.inputs[0]);
  const auto* b = data_of<const float>(call.inputs[1]);
  auto* y = data_of<float>(output);
  const std::array strides = {broadcast_strides(call.inputs[0], output),
                              broadcast_strides(call.inputs[1], output)};
  for_each_run(output, strides, share_of(call, element_count(output)),
               [=](std::int64_t i, std::int64_t length, const auto& offsets, const auto& steps) {
                 for (std::int64_t k = 0; k < length; ++k)
                   y[i + k] = operation(a[offsets[0] + k * steps[0]], b[offsets[1] + k * steps[1]]);
               });
}

void run_where(const KernelCall& call) {
  const auto& output = call.outputs[0];
  const auto* condition = data_of<const std::int8_t>(call.inputs[0]);
  const auto* a = data_of<const float>(call.inputs[1]);
  const auto* b = data_of<const float>(call.inputs[2]);
  auto* y = data_of<float>(output);
  const std::array strides = {broadcast_strides(call.inputs[0], output),
                              broadcast_strides(call.inputs[1], output),
                              broadcast_strides(call.inputs[2], output)};
  for_each_run(output, strides, share_of(call, element_count(output)),
               [=](std::int64_t i, std::int64_t length, const auto& offsets, const auto& steps) {
                 for (std::int64_t k = 0; k < length; ++k)
                   y[i + k] = condition[offsets[0] + k * steps[0]] != 0 ? a[offsets[1] + k * steps[1]]
                                                                        : b[offsets[2] + k * steps[2]];
               });
}

void run_expand(const KernelCall& call) {
  const auto& output = call.outputs[0];
  const auto* x = data_of<const float>(call.inputs[0]);
  auto* y = data_of<float>(output);
  const std::array<Strides, 1> strides = {broadcast_strides(call.inputs[0], output)};
  for_each_run(output, strides, share_of(call, element_count(output)),
               [=](std::int64_t i, std::int64_t length, const auto& offsets, const auto& steps) {
                 for (std::int64_t k = 0; k < length; ++k) y[i + k] = x[offsets[0] + k * steps[0]];
               });
}

bool accepts_where(const NodeTypes& types) {
  return types.inputs.size() == 3 && types.inputs[0].dtype == Dtype::i8 && all_f32(types.inputs.subspan(1)) &&
         all_f32(types.outputs);
}

bool serial(const KernelCall& call) { return element_count(call.outputs[0]) <= 8192; }

Kernel kernel(const char* name, std::string_view op, KernelFunction function,
              bool (*accepts)(const NodeTypes&) = accepts_f32) {
  constexpr int kBehindFaster = -1;
  return {.name = name,
          .op = op,
          .arithmetic = "f32",
          .rank = kBehindFaster,
          .accepts = accepts,
          .run = function,
          .serial = serial};
}

}  // namespace

std::span<const Kernel> broadcast_kernels() {
  static const Kernel kKernels[] = {
      kernel("portable.add_broadcast", "Add", run<add>),
      kernel("portable.mul_broadcast", "Mul", run<multiply>),
      kernel("portable.sub", "Sub", run<subtract>),
      kernel("portable.div", "Div", run<divide>),
      kernel("portable.pow", "Pow", run<power>),
      kernel("portable.where", "Where", run_where, accepts_where),
      kernel("portable.expand", "Expand", run_expand),
  };
  return kKernels;
}

}  // namespace lathe::portable
