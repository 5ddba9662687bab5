// QuantizeActivation: float rows to 8-bit codes with scale, minimum and sums per 32 columns
// (quant/activation.h). A block with a NaN gets the minimum NaN and codes 0, so that every product with it is
// NaN.
#include <cmath>
#include <cstring>
#include <limits>
#include <span>

#include "backend/kernel.h"
#include "cpu/matmul_shape.h"
#include "cpu/portable/kernel_arguments.h"

namespace lathe::portable {
namespace {

struct BlockFactors {
  float scale;
  float minimum;
  float sum;
  float half_sum;
};

BlockFactors quantize_block(const float* values, std::uint8_t* codes) {
  float low = values[0];
  float high = values[0];
  bool has_nan = false;
  for (int i = 0; i < kActivationBlock; ++i) {
    low = values[i] < low ? values[i] : low;
    high = values[i] > high ? values[i] : high;
    has_nan |= std::isnan(values[i]);
  }
  if (has_nan) low = high = std::numeric_limits<float>::quiet_NaN();
  low += 0.0f;  // -0 becomes +0, whichever zero came first
  high += 0.0f;
  const float scale = (high - low) / 255.0f;
  const float inverse = scale > 0.0f ? 1.0f / scale : 0.0f;
  int sum = 0;
  int half_sum = 0;
  for (int i = 0; i < kActivationBlock; ++i) {
    float position = (values[i] - low) * inverse;
    position = position > 0.0f ? position : 0.0f;  // and NaN becomes 0
    position = position < 255.0f ? position : 255.0f;
    const int code = static_cast<int>(std::nearbyint(position));
    codes[i] = static_cast<std::uint8_t>(code);
    sum += code;
    if (i < kActivationBlock / 2) half_sum += code;
  }
  return {scale, low, std::fma(scale, static_cast<float>(sum), 32.0f * low),
          std::fma(scale, static_cast<float>(half_sum), 16.0f * low)};
}

void quantize_activation(const KernelCall& call) {
  const TensorArg& input = call.inputs[0];  // [tokens, columns] or [tokens, slots, columns]
  const std::int64_t columns = column_count(input);
  const std::int64_t blocks = columns / kActivationBlock;
  const auto share = thread_share(row_count(input) * blocks, call.thread, call.threads);
  const auto* values = static_cast<const float*>(input.data);
  auto* rows = static_cast<std::uint8_t*>(call.outputs[0].data);
  for (std::int64_t i = share.begin; i < share.end; ++i) {
    const std::int64_t block = i % blocks;
    std::uint8_t* codes = rows + i / blocks * activation_row_bytes(columns);
    std::uint8_t* factors = codes + columns + block * static_cast<std::int64_t>(sizeof(float));
    const auto stride = blocks * static_cast<std::int64_t>(sizeof(float));
    const BlockFactors result =
        quantize_block(values + i * kActivationBlock, codes + block * kActivationBlock);
    std::memcpy(factors, &result.scale, sizeof(float));
    std::memcpy(factors + stride, &result.minimum, sizeof(float));
    std::memcpy(factors + 2 * stride, &result.sum, sizeof(float));
    std::memcpy(factors + 3 * stride, &result.half_sum, sizeof(float));
  }
}

bool accepts(const NodeTypes& types) {
  return types.inputs.size() == 1 && types.inputs[0].dtype == Dtype::f32 &&
         types.inputs[0].dims.size() >= 2 && types.outputs[0].dtype == Dtype::a8 &&
         types.inputs[0].dims.back().value % kActivationBlock == 0;
}

// Below this a second thread costs more than it brings.
bool serial(const KernelCall& call) { return element_count(call.inputs[0]) <= 16384; }

}  // namespace

std::span<const Kernel> quantize_activation_kernels() {
  static const Kernel kKernels[] = {{.name = "portable.quantize_activation",
                                     .op = "QuantizeActivation",
                                     .arithmetic = "int8",
                                     .accepts = accepts,
                                     .run = quantize_activation,
                                     .serial = serial}};
  return kKernels;
}

}  // namespace lathe::portable
