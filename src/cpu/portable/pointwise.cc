// Add and Mul: a, b -> like a, where b has a's shape, or one element, or one row. The output may be a or b.
#include "cpu/portable/kernel_arguments.h"

namespace lathe::portable {
namespace {

float add(float a, float b) { return a + b; }
float multiply(float a, float b) { return a * b; }

template <float (*operation)(float, float)>
void run(const KernelCall& call) {
  const auto* a = data_of<const float>(call.inputs[0]);
  const auto* b = data_of<const float>(call.inputs[1]);
  auto* y = data_of<float>(call.outputs[0]);
  const std::int64_t count = element_count(call.inputs[0]);
  const std::int64_t b_count = element_count(call.inputs[1]);
  const Share share = share_of(call, count);
  if (b_count == count) {
    for (std::int64_t i = share.begin; i < share.end; ++i) y[i] = operation(a[i], b[i]);
  } else if (b_count == 1) {
    const float operand = b[0];
    for (std::int64_t i = share.begin; i < share.end; ++i) y[i] = operation(a[i], operand);
  } else {
    for (std::int64_t i = share.begin; i < share.end; ++i) y[i] = operation(a[i], b[i % b_count]);
  }
}

/// The output has a's shape, and b has it too, or is one number or one row of it.
bool accepts(const NodeTypes& types) {
  if (!accepts_f32(types) || types.inputs.size() != 2 || types.outputs[0].dims != types.inputs[0].dims)
    return false;
  Dims row = types.inputs[1].dims;
  if (row == types.inputs[0].dims) return true;
  while (row.size() > 1 && row[0] == Dim(1)) row.erase(row.begin());
  return row.empty() || (row.size() == 1 && (row[0] == Dim(1) || row[0] == types.inputs[0].dims.back()));
}

bool serial(const KernelCall& call) { return is_small(call.inputs[0], 4096); }

}  // namespace

std::span<const Kernel> pointwise_kernels() {
  static const Kernel kKernels[] = {{.name = "portable.add",
                                     .op = "Add",
                                     .arithmetic = "f32",
                                     .accepts = accepts,
                                     .run = run<add>,
                                     .serial = serial,
                                     .in_place_input = 0},
                                    {.name = "portable.mul",
                                     .op = "Mul",
                                     .arithmetic = "f32",
                                     .accepts = accepts,
                                     .run = run<multiply>,
                                     .serial = serial,
                                     .in_place_input = 0}};
  return kKernels;
}

}  // namespace lathe::portable
