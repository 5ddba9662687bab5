// LogSumExp: x [S, V] -> f32[S]: max + log(sum of exp(x - max)); exponentials in float32, summed in 16 double
// lanes, columns i, i + 16, ...
#include <cmath>
#include <limits>

#include "cpu/portable/exp_f32.h"
#include "cpu/portable/kernel_arguments.h"

namespace lathe::portable {
namespace {

float log_sum_exp(const float* x, std::int64_t columns) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  float greatest = -kInfinity;
  for (std::int64_t i = 0; i < columns; ++i) greatest = x[i] > greatest ? x[i] : greatest;
  const float shift = greatest > -kInfinity && greatest < kInfinity ? greatest : 0.0f;
  double lanes[16] = {};
  for (std::int64_t i = 0; i < columns; ++i) lanes[i % 16] += static_cast<double>(exp_f32(x[i] - shift));
  for (int half = 8; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) lanes[i] += lanes[i + half];
  return static_cast<float>(static_cast<double>(shift) + std::log(lanes[0]));
}

void run(const KernelCall& call) {
  const std::int64_t columns = column_count(call.inputs[0]);
  const Share share = share_of(call, row_count(call.inputs[0]));
  for (std::int64_t row = share.begin; row < share.end; ++row)
    data_of<float>(call.outputs[0])[row] =
        log_sum_exp(data_of<const float>(call.inputs[0]) + row * columns, columns);
}

bool serial(const KernelCall& call) { return row_count(call.inputs[0]) == 1; }

}  // namespace

std::span<const Kernel> log_sum_exp_kernels() {
  static const Kernel kKernels[] = {{.name = "portable.log_sum_exp",
                                     .op = "LogSumExp",
                                     .arithmetic = "f32",
                                     .accepts = accepts_f32,
                                     .run = run,
                                     .serial = serial}};
  return kKernels;
}

}  // namespace lathe::portable
