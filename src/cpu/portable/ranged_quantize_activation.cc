// RangedQuantizeActivation: float rows to 8-bit codes (quant/activation.h) whose scales do not come from each
// block alone. Scale and zero are block_scale() of a range: of `group` columns of the row (0: of all), or of
// the block's row in `ranges`, known ahead from calibration. Values beyond a known range get its end; a block
// with a NaN or an infinity is NaN whatever its range. With known ranges, a third input marks fine columns as
// that of QuantizeActivation does; the ranges are those of the others.
#include <cmath>
#include <limits>
#include <span>

#include "backend/kernel.h"
#include "cpu/matmul_shape.h"
#include "cpu/portable/kernel_arguments.h"
#include "cpu/portable/row_functions.h"

namespace lathe::portable {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// Blocks [first, first + count) of a row with one scale.
void quantize_group(const float* values, std::int64_t first, std::int64_t count, std::int64_t columns,
                    std::uint8_t* row) {
  const ValueRange range = range_of(values, count * kActivationBlock);
  const BlockScale scale = block_scale(range.low, range.high);
  for (std::int64_t block = first; block < first + count; ++block, values += kActivationBlock)
    store_factors(quantize_block(values, scale, row + block * kActivationBlock), block, columns, row);
}

void quantize_known(const float* values, const float* ranges, const float* marks, std::int64_t columns,
                    std::uint8_t* row) {
  const std::int64_t blocks = columns / kActivationBlock;
  for (std::int64_t block = 0; block < blocks; ++block, values += kActivationBlock) {
    const ValueRange own = range_of(values, kActivationBlock);
    const bool finite = own.low > -kInfinity && own.high < kInfinity;
    const float high = finite ? ranges[blocks + block] : kInfinity;
    const BlockScale scale = block_scale(ranges[block], high);
    const FineColumns fine = marked_columns(marks == nullptr ? nullptr : marks + block * kActivationBlock);
    store_factors(quantize_block(values, scale, row + block * kActivationBlock, fine), block, columns, row);
  }
}

void run(const KernelCall& call) {
  const TensorArg& input = call.inputs[0];  // [tokens, columns] or [tokens, slots, columns]
  const auto* ranges = call.input_count > 1 ? data_of<const float>(call.inputs[1]) : nullptr;
  const auto* marks = call.input_count > 2 ? data_of<const float>(call.inputs[2]) : nullptr;
  const std::int64_t columns = column_count(input);
  const std::int64_t blocks = columns / kActivationBlock;
  const std::int64_t group =
      call.attributes[0].integer == 0 ? blocks : call.attributes[0].integer / kActivationBlock;
  const Share share = share_of(call, row_count(input));
  for (std::int64_t i = share.begin; i < share.end; ++i) {
    const float* values = data_of<const float>(input) + i * columns;
    std::uint8_t* row = data_of<std::uint8_t>(call.outputs[0]) + i * activation_row_bytes(columns);
    if (ranges != nullptr) {
      quantize_known(values, ranges, marks, columns, row);
      continue;
    }
    for (std::int64_t first = 0; first < blocks; first += group)
      quantize_group(values + first * kActivationBlock, first, group, columns, row);
  }
}

bool accepts(const NodeTypes& types) {
  return types.inputs[0].dtype == Dtype::f32 && types.outputs[0].dtype == Dtype::a8;
}

bool serial(const KernelCall& call) { return has_few_rows(call.inputs[0], 1024); }

}  // namespace

std::span<const Kernel> ranged_quantize_activation_kernels() {
  static const Kernel kKernels[] = {{.name = "portable.ranged_quantize_activation",
                                     .op = "RangedQuantizeActivation",
                                     .arithmetic = "int8",
                                     .accepts = accepts,
                                     .run = run,
                                     .serial = serial}};
  return kKernels;
}

}  // namespace lathe::portable
