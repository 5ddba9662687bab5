// Groups of packed weights times 8-bit activations; the arithmetic is in quantized_linear.cc.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "cpu/fine_columns.h"
#include "cpu/matmul_shape.h"
#include "cpu/portable/packed_codes.h"

namespace lathe::portable {

struct ActivationBlock {
  const std::uint8_t* codes;  // of one block
  float scale;
  std::int32_t zero;
  float sum;
  float half_sum;
  std::int32_t fine_columns[kFineColumns];  // with codes of 0 where there are fewer
  std::int16_t fine_codes[kFineColumns];
};

inline ActivationBlock activation_block(const std::uint8_t* row, std::int64_t columns, std::int64_t block) {
  const std::int64_t blocks = columns / kActivationBlock;
  const auto read = [&](std::int64_t which, auto value) {
    std::memcpy(&value, row + columns + (which * blocks + block) * static_cast<std::int64_t>(sizeof value),
                sizeof value);
    return value;
  };
  const std::uint32_t zero = read(1, std::uint32_t{0});
  const std::uint32_t fine = (zero & kHasFine) != 0 ? read(4, std::uint32_t{0}) : 0u;
  return {row + block * kActivationBlock,
          read(0, 0.0f),
          static_cast<std::int32_t>(zero & kZeroMask),
          read(2, 0.0f),
          read(3, 0.0f),
          {fine_column(zero, 0), fine_column(zero, 1)},
          {static_cast<std::int16_t>(fine & 0xffffu), static_cast<std::int16_t>(fine >> 16)}};
}

/// acc plus all columns of the block, of one row.
inline float add_columns(const PackedBlock& weight, int row, const ActivationBlock& x, float acc) {
  int product = 0;
  for (int i = 0; i < kActivationBlock; ++i) product += (x.codes[i] - x.zero) * weight.codes[row][i];
  for (int i = 0; i < kFineColumns; ++i) product += x.fine_codes[i] * weight.codes[row][x.fine_columns[i]];
  return std::fma(weight.scale[0][row] * x.scale, static_cast<float>(product), acc);
}

/// The same where each half has a scale of its own.
inline float add_halves(const PackedBlock& weight, int row, const ActivationBlock& x, float acc) {
  constexpr int kHalf = kActivationBlock / 2;
  int products[2] = {};
  int sums[2] = {};
  for (int i = 0; i < kActivationBlock; ++i) {
    products[i / kHalf] += x.codes[i] * weight.codes[row][i];
    sums[i / kHalf] += weight.codes[row][i];
  }
  for (int i = 0; i < kFineColumns; ++i)
    products[x.fine_columns[i] / kHalf] += x.fine_codes[i] * weight.codes[row][x.fine_columns[i]];
  const float low = weight.scale[0][row];
  const float high = weight.scale[1][row];
  const float product =
      std::fma(high, static_cast<float>(products[1]), low * static_cast<float>(products[0]));
  const float sum = std::fma(high, static_cast<float>(sums[1]), low * static_cast<float>(sums[0]));
  return std::fma(-(static_cast<float>(x.zero) * x.scale), sum, std::fma(x.scale, product, acc));
}

/// acc plus the block, of one row.
inline float add_block(PackedFactors factors, const PackedBlock& weight, int row, const ActivationBlock& x,
                       float acc) {
  switch (factors) {
    case PackedFactors::scale:
    case PackedFactors::integer_scales:
      return add_columns(weight, row, x, acc);
    case PackedFactors::scale_and_minimum:
      return std::fma(weight.minimum[row], x.sum, add_columns(weight, row, x, acc));
    case PackedFactors::half_scales:
      return add_halves(weight, row, x, acc);
    case PackedFactors::integer_scales_and_half_minima:
      acc = std::fma(weight.minimum[row], x.sum, add_columns(weight, row, x, acc));
      return std::fma(weight.half_minimum[row], x.half_sum, acc);
  }
  return acc;
}

/// All of `groups` for some tokens.
inline void multiply_chunk(const KernelCall& call, const MatmulShape& shape, const Share& groups,
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
          const ActivationBlock x = activation_block(inputs + token * activation_row_bytes(shape.columns),
                                                     shape.columns, r * blocks_per_record + b);
          for (int row = 0; row < rows; ++row) {
            float& acc = output[token * shape.rows + first_row + row];
            acc = add_block(layout.info.factors, weight, row, x, acc);
          }
        }
      }
    }
  }
}

}  // namespace lathe::portable
