// Softmax and LogSoftmax along the attribute axis. The output may be x.
//   Softmax     exp(x - max) / sum        LogSoftmax  (x - max) - log(sum)
// The exponentials are summed in 16 lanes, elements i, i + 16, ..., then in a tree.
#include <cmath>
#include <limits>

#include "cpu/portable/exp_f32.h"
#include "cpu/portable/kernel_arguments.h"

namespace lathe::portable {
namespace {

/// A row of x: `count` elements, `step` apart.
struct Row {
  const float* x;
  float* y;
  std::int64_t count;
  std::int64_t step;
};

float greatest_of(const Row& row) {
  float greatest = -std::numeric_limits<float>::infinity();
  for (std::int64_t i = 0; i < row.count; ++i)
    greatest = row.x[i * row.step] > greatest ? row.x[i * row.step] : greatest;
  return greatest;
}

float tree_sum(float* lanes) {
  for (int half = 8; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) lanes[i] += lanes[i + half];
  return lanes[0];
}

void softmax(const Row& row) {
  const float greatest = greatest_of(row);
  float lanes[16] = {};
  for (std::int64_t i = 0; i < row.count; ++i) {
    const float e = exp_f32(row.x[i * row.step] - greatest);
    row.y[i * row.step] = e;
    lanes[i % 16] += e;
  }
  const float sum = tree_sum(lanes);
  for (std::int64_t i = 0; i < row.count; ++i) row.y[i * row.step] /= sum;
}

void log_softmax(const Row& row) {
  const float greatest = greatest_of(row);
  float lanes[16] = {};
  for (std::int64_t i = 0; i < row.count; ++i) lanes[i % 16] += exp_f32(row.x[i * row.step] - greatest);
  const auto log_sum = static_cast<float>(std::log(static_cast<double>(tree_sum(lanes))));
  for (std::int64_t i = 0; i < row.count; ++i)
    row.y[i * row.step] = (row.x[i * row.step] - greatest) - log_sum;
}

template <void (*function)(const Row&)>
void run(const KernelCall& call) {
  const auto& tensor = call.inputs[0];
  const std::int64_t given = call.attributes[0].integer;
  const auto axis = static_cast<int>(given < 0 ? given + tensor.rank : given);
  std::int64_t inner = 1;
  for (int i = axis + 1; i < tensor.rank; ++i) inner *= tensor.dims[i];
  const std::int64_t count = tensor.dims[axis];
  const Share share = share_of(call, count == 0 ? 0 : element_count(tensor) / count);
  for (std::int64_t i = share.begin; i < share.end; ++i) {
    const std::int64_t offset = i / inner * count * inner + i % inner;
    function({data_of<const float>(tensor) + offset, data_of<float>(call.outputs[0]) + offset, count, inner});
  }
}

bool serial(const KernelCall& call) { return element_count(call.inputs[0]) <= 8192; }

}  // namespace

std::span<const Kernel> softmax_kernels() {
  static const Kernel kKernels[] = {{.name = "portable.softmax",
                                     .op = "Softmax",
                                     .arithmetic = "f32",
                                     .accepts = accepts_f32,
                                     .run = run<softmax>,
                                     .serial = serial,
                                     .in_place_input = 0},
                                    {.name = "portable.log_softmax",
                                     .op = "LogSoftmax",
                                     .arithmetic = "f32",
                                     .accepts = accepts_f32,
                                     .run = run<log_softmax>,
                                     .serial = serial,
                                     .in_place_input = 0}};
  return kKernels;
}

}  // namespace lathe::portable
