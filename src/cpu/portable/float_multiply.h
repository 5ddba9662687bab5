// Groups of float weights, rows in lanes (quant/packed.h), times rows of floats; the arithmetic is in
// linear.cc.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "base/error.h"
#include "base/half.h"
#include "cpu/matmul_shape.h"
#include "tensor/dtype.h"

namespace lathe::portable {

inline constexpr std::int64_t kFloatBlockColumns = 32;

inline std::uint16_t read_bits16(const std::uint8_t* bytes) {
  std::uint16_t bits;
  std::memcpy(&bits, bytes, sizeof bits);
  return bits;
}

struct PackedF32 {
  static constexpr PackedLayoutInfo kInfo = kPackedF32;
  static float value(const std::uint8_t* group, std::int64_t column, int row) {
    float result;
    std::memcpy(&result, group + (column * kPackedRows + row) * 4, sizeof result);
    return result;
  }
};

struct PackedBf16 {
  static constexpr PackedLayoutInfo kInfo = kPackedBf16;
  static float value(const std::uint8_t* group, std::int64_t column, int row) {
    return bfloat_to_float(read_bits16(group + column / 2 * kInfo.record_bytes + (row * 2 + column % 2) * 2));
  }
};

struct PackedF16 {
  static constexpr PackedLayoutInfo kInfo = kPackedF16;
  static float value(const std::uint8_t* group, std::int64_t column, int row) {
    return half_to_float(read_bits16(group + (column * kPackedRows + row) * 2));
  }
};

/// Arithmetic "f32": the 16 outputs of one group for one token.
template <class Layout>
void multiply_group(const float* x, const std::uint8_t* weights, std::int64_t columns,
                    float sums[kPackedRows]) {
  std::fill_n(sums, kPackedRows, 0.0f);
  for (std::int64_t begin = 0; begin < columns; begin += kFloatBlockColumns) {
    float block[kPackedRows] = {};
    for (std::int64_t column = begin; column < std::min(begin + kFloatBlockColumns, columns); ++column)
      for (int row = 0; row < kPackedRows; ++row)
        block[row] = std::fma(Layout::value(weights, column, row), x[column], block[row]);
    for (int row = 0; row < kPackedRows; ++row) sums[row] += block[row];
  }
}

/// What bf16 dot products make of numbers that are not normal, on the way in and out.
inline float flushed(float value) {
  return std::abs(value) < std::numeric_limits<float>::min() ? std::copysign(0.0f, value) : value;
}

/// Arithmetic "bf16": the 16 outputs of one group for one token of bf16 bits.
template <class Layout>
void multiply_group(const std::uint16_t* x, const std::uint8_t* weights, std::int64_t columns,
                    float sums[kPackedRows]) {
  std::fill_n(sums, kPackedRows, 0.0f);
  for (std::int64_t column = 0; column < columns; column += 2) {
    const float even = flushed(bfloat_to_float(x[column]));
    const float odd = column + 1 < columns ? flushed(bfloat_to_float(x[column + 1])) : 0.0f;
    for (int row = 0; row < kPackedRows; ++row) {
      const float sum = flushed(std::fma(flushed(Layout::value(weights, column + 1, row)), odd, sums[row]));
      sums[row] = flushed(std::fma(flushed(Layout::value(weights, column, row)), even, sum));
    }
  }
}

/// All of `groups` for some tokens.
template <class Layout, class Activation>
void multiply_float_chunk(const KernelCall& call, const MatmulShape& shape, const Share& groups,
                          const Share& tokens) {
  const auto* inputs = static_cast<const Activation*>(call.inputs[0].data);
  const auto* weights = static_cast<const std::uint8_t*>(call.inputs[1].data);
  auto* output = static_cast<float*>(call.outputs[0].data);  // [tokens, rows]
  const std::int64_t group_bytes = packed_group_bytes(Layout::kInfo, shape.columns);
  for (std::int64_t group = groups.begin; group < groups.end; ++group) {
    const std::int64_t first_row = group * kPackedRows;
    for (std::int64_t token = tokens.begin; token < tokens.end; ++token) {
      float sums[kPackedRows];
      multiply_group<Layout>(inputs + token * shape.columns, weights + group * group_bytes, shape.columns,
                             sums);
      std::copy_n(sums, std::min<std::int64_t>(kPackedRows, shape.rows - first_row),
                  output + token * shape.rows + first_row);
    }
  }
}

/// One way of multiplying floats: what activations and weights are, and the kernels' name for it.
struct FloatProduct {
  const char* name;
  const char* arithmetic;
  Dtype activation;
  Dtype weight;
  PackedLayoutInfo layout;
  MultiplyChunk multiply;

  std::int64_t row_bytes(std::int64_t columns) const {  // of the activation
    return columns * static_cast<std::int64_t>(info(activation).block_bytes);
  }
};

inline constexpr FloatProduct kFloatProducts[] = {
    {"packed_f32", "f32", Dtype::f32, Dtype::packed_f32, kPackedF32, multiply_float_chunk<PackedF32, float>},
    {"packed_bf16", "f32", Dtype::f32, Dtype::packed_bf16, kPackedBf16,
     multiply_float_chunk<PackedBf16, float>},
    {"packed_f16", "f32", Dtype::f32, Dtype::packed_f16, kPackedF16, multiply_float_chunk<PackedF16, float>},
    {"bf16", "bf16", Dtype::bf16, Dtype::packed_bf16, kPackedBf16,
     multiply_float_chunk<PackedBf16, std::uint16_t>},
};

/// The row for these types, or nullptr.
inline const FloatProduct* float_product(Dtype activation, Dtype weight) {
  for (const auto& product : kFloatProducts)
    if (product.activation == activation && product.weight == weight) return &product;
  return nullptr;
}

}  // namespace lathe::portable
