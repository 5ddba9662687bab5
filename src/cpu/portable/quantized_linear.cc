// QuantizedLinear: 8-bit activations times packed weights, summed as integers within blocks of 32 columns.
// Arithmetic "int8": one float accumulator per output; per block, ascending,
//   t = fma(s, float(sum of a * w), m * float(sum of w)); acc = fma(scale, t, acc); acc = fma(minimum, x,
//   acc)
// with the activation block's scale s, minimum m and sum x, the last step only in layouts with minima. Where
// a layout has a scale per 16 columns, t and the first fma are done for each half.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <span>

#include "backend/kernel.h"
#include "cpu/matmul_shape.h"
#include "cpu/portable/packed_codes.h"

namespace lathe::portable {
namespace {

struct Activation {
  const std::uint8_t* codes;  // of one block
  float scale;
  float minimum;
  float sum;
};

Activation activation_block(const std::uint8_t* row, std::int64_t columns, std::int64_t block) {
  const std::int64_t blocks = columns / kActivationBlock;
  const auto factor = [&](std::int64_t which) {
    float value;
    std::memcpy(&value, row + columns + (which * blocks + block) * static_cast<std::int64_t>(sizeof value),
                sizeof value);
    return value;
  };
  return {row + block * kActivationBlock, factor(0), factor(1), factor(2)};
}

/// acc plus columns [begin, end) of the block, of one row.
float add_columns(const PackedBlock& weight, int row, const Activation& x, int begin, int end, float acc) {
  int product = 0;
  int codes = 0;
  for (int i = begin; i < end; ++i) {
    product += x.codes[i] * weight.codes[row][i];
    codes += weight.codes[row][i];
  }
  const float t = std::fma(x.scale, static_cast<float>(product), x.minimum * static_cast<float>(codes));
  return std::fma(weight.scale[begin / 16][row], t, acc);
}

/// All of `groups` for some tokens.
void multiply_chunk(const KernelCall& call, const MatmulShape& shape, const Share& groups,
                    const Share& tokens) {
  const PackedLayout& layout = packed_layout(static_cast<Dtype>(call.inputs[1].dtype));
  const auto* inputs = static_cast<const std::uint8_t*>(call.inputs[0].data);
  const auto* record = static_cast<const std::uint8_t*>(call.inputs[1].data);
  auto* output = static_cast<float*>(call.outputs[0].data);  // [tokens, rows]

  const std::int64_t records = shape.columns / layout.info.columns_per_record;
  const int blocks_per_record = layout.info.columns_per_record / kActivationBlock;
  record += groups.begin * records * layout.info.record_bytes;
  for (std::int64_t group = groups.begin; group < groups.end; ++group) {
    const std::int64_t first_row = group * kPackedRows;
    const int rows = static_cast<int>(std::min<std::int64_t>(kPackedRows, shape.rows - first_row));
    for (std::int64_t token = tokens.begin; token < tokens.end; ++token)
      std::fill_n(output + token * shape.rows + first_row, rows, 0.0f);
    for (std::int64_t r = 0; r < records; ++r, record += layout.info.record_bytes) {
      for (int b = 0; b < blocks_per_record; ++b) {
        PackedBlock weight;
        layout.unpack(record, b, weight);
        for (std::int64_t token = tokens.begin; token < tokens.end; ++token) {
          const Activation x = activation_block(inputs + token * activation_row_bytes(shape.columns),
                                                shape.columns, r * blocks_per_record + b);
          for (int row = 0; row < rows; ++row) {
            float& acc = output[token * shape.rows + first_row + row];
            if (layout.has_half_scales) {
              acc = add_columns(weight, row, x, 0, 16, acc);
              acc = add_columns(weight, row, x, 16, 32, acc);
            } else {
              acc = add_columns(weight, row, x, 0, 32, acc);
            }
            if (layout.has_minima) acc = std::fma(weight.minimum[row], x.sum, acc);
          }
        }
      }
    }
  }
}

void quantized_linear(const KernelCall& call) {
  const MatmulShape shape = matmul_shape(call);
  for (std::int64_t chunk = 0; chunk < chunk_count(shape); ++chunk)
    multiply_chunk(call, shape, chunk_groups(shape, chunk, call.thread, call.threads),
                   chunk_tokens(shape, chunk));
}

template <Dtype kDtype>
bool accepts(const NodeTypes& types) {
  return types.inputs.size() == 2 && types.inputs[0].dtype == Dtype::a8 && types.inputs[0].dims.size() == 2 &&
         types.inputs[1].dtype == kDtype && types.inputs[1].dims.size() == 2 &&
         types.inputs[1].dims[1].value > 0 &&
         types.inputs[1].dims[1].value % packed_layout(kDtype).info.columns_per_record == 0;
}

template <Dtype kDtype>
Kernel kernel() {
  return {.name = "portable.quantized_linear." + std::string(info(kDtype).name),
          .op = "QuantizedLinear",
          .arithmetic = "int8",
          .accepts = accepts<kDtype>,
          .run = quantized_linear};
}

}  // namespace

std::span<const Kernel> quantized_linear_kernels() {
  static const Kernel kKernels[] = {kernel<Dtype::packed4>(),  kernel<Dtype::packed4m>(),
                                    kernel<Dtype::packed5>(),  kernel<Dtype::packed5m>(),
                                    kernel<Dtype::packed8>(),  kernel<Dtype::packed4k>(),
                                    kernel<Dtype::packed5k>(), kernel<Dtype::packed6k>()};
  return kKernels;
}

}  // namespace lathe::portable
