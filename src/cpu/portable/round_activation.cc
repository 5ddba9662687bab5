// RoundActivation: float32 to bf16, to nearest even. Numbers that are not normal become zeros of their sign
// before they are rounded, and a NaN keeps its upper bits and becomes a quiet one: what the instructions for
// it do.
#include <bit>
#include <span>

#include "backend/kernel.h"
#include "cpu/matmul_shape.h"
#include "cpu/portable/kernel_arguments.h"

namespace lathe::portable {
namespace {

constexpr std::uint32_t kSign = 0x80000000;
constexpr std::uint32_t kSmallestNormal = 0x00800000;
constexpr std::uint32_t kInfinity = 0x7f800000;

std::uint16_t rounded(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t magnitude = bits & ~kSign;
  const std::uint32_t upper = bits >> 16;
  const std::uint32_t nearest = (bits + 0x7fff + (upper & 1)) >> 16;
  const std::uint32_t quiet = upper | 0x40;
  const std::uint32_t zero = upper & 0x8000;
  return static_cast<std::uint16_t>(magnitude < kSmallestNormal ? zero
                                    : magnitude > kInfinity     ? quiet
                                                                : nearest);
}

void round_activation(const KernelCall& call) {
  const auto share = thread_share(element_count(call.inputs[0]), call.thread, call.threads);
  const auto* x = static_cast<const float*>(call.inputs[0].data);
  auto* y = static_cast<std::uint16_t*>(call.outputs[0].data);
  for (std::int64_t i = share.begin; i < share.end; ++i) y[i] = rounded(x[i]);
}

bool accepts(const NodeTypes& types) {
  return types.inputs.size() == 1 && types.inputs[0].dtype == Dtype::f32 &&
         types.outputs[0].dtype == Dtype::bf16;
}

// Below this a second thread costs more than it brings.
bool serial(const KernelCall& call) { return element_count(call.inputs[0]) <= 32768; }

}  // namespace

std::span<const Kernel> round_activation_kernels() {
  static const Kernel kKernels[] = {{.name = "portable.round_activation",
                                     .op = "RoundActivation",
                                     .arithmetic = "bf16",
                                     .accepts = accepts,
                                     .run = round_activation,
                                     .serial = serial}};
  return kKernels;
}

}  // namespace lathe::portable
