// AddCodes, SubCodes and MulCodes: 8-bit codes of what two tensors of 8-bit codes mean together;
// graph/code_arithmetic.h has the arithmetic. They broadcast.
#include "cpu/code_arithmetic.h"

#include <cmath>

#include "cpu/portable/strided.h"

namespace lathe::portable {
namespace {

template <float (*operation)(float, float)>
void run(const KernelCall& call) {
  const auto& output = call.outputs[0];
  const codes::PairProblem problem = codes::pair_problem(call);
  const auto real = [](const codes::Operand& operand, std::int64_t i) {
    const std::uint8_t code = operand.codes[i];
    const std::int32_t whole = operand.is_signed ? static_cast<std::int8_t>(code) : code;
    return (static_cast<float>(whole) - operand.zero) * operand.scale;
  };
  const std::array strides = {broadcast_strides(call.inputs[code_arithmetic::kA], output),
                              broadcast_strides(call.inputs[code_arithmetic::kB], output)};
  for_each_run(output, strides, share_of(call, element_count(output)),
               [&](std::int64_t i, std::int64_t length, const auto& offsets, const auto& steps) {
                 for (std::int64_t k = 0; k < length; ++k) {
                   const float a = real(problem.a, offsets[0] + k * steps[0]);
                   const float b = real(problem.b, offsets[1] + k * steps[1]);
                   float value = operation(a, b) / problem.y_scale;
                   value = value > problem.least ? value : problem.least;
                   value = value < problem.most ? value : problem.most;
                   problem.y[i + k] = static_cast<std::uint8_t>(
                       static_cast<std::int32_t>(std::nearbyint(value)) + problem.y_zero);
                 }
               });
}

float add(float a, float b) { return a + b; }
float subtract(float a, float b) { return a - b; }
float multiply(float a, float b) { return a * b; }

Kernel kernel(const char* name, std::string_view op, KernelFunction function) {
  return {.name = name,
          .op = op,
          .arithmetic = "int8",
          .accepts = [](const NodeTypes&) { return true; },  // the rule has checked
          .run = function,
          .serial = [](const KernelCall& call) { return is_small(call.outputs[0], 16384); }};
}

}  // namespace

std::span<const Kernel> code_arithmetic_kernels() {
  static const Kernel kKernels[] = {kernel("portable.add_codes", "AddCodes", run<add>),
                                    kernel("portable.mul_codes", "MulCodes", run<multiply>),
                                    kernel("portable.sub_codes", "SubCodes", run<subtract>)};
  return kKernels;
}

}  // namespace lathe::portable
