#include "parity/matmul_operands.h"

#include <cmath>

#include "base/half.h"
#include "cpu/fine_columns.h"
#include "quant/block_format.h"

namespace lathe::parity {

std::size_t activation_bytes(std::int64_t tokens, std::int64_t columns) {
  return static_cast<std::size_t>(tokens) * row_bytes(Dtype::a8, columns);
}

Tensor random_blocks(Random& random, Dtype dtype, std::int64_t weight_rows, std::int64_t columns) {
  const auto& format = *block_format(dtype);
  const auto& block = info(dtype);
  Tensor weight = empty(dtype, {weight_rows, columns});
  auto& bytes = weight.bytes;
  for (auto& byte : bytes) byte = static_cast<std::byte>(random());
  const FactorPlace& place = format.factors;
  std::uniform_real_distribution<float> scale(0.001f, 0.02f);
  for (std::size_t at = place.offset; at < bytes.size(); at += block.block_bytes)
    for (std::size_t factor = 0; factor < place.count; ++factor) {
      const float value = factor == 0 ? scale(random) : -4 * scale(random);
      const std::uint16_t bits =
          place.bytes == 2 ? float_to_half(value) : static_cast<std::uint16_t>(127 + std::ilogb(value));
      std::memcpy(bytes.data() + at + place.bytes * factor, &bits, place.bytes);
    }
  return weight;
}

Tensor packed(const Tensor& blocks) {
  const auto& format = *block_format(blocks.dtype);
  const std::int64_t weight_rows = blocks.dims[0];
  const std::int64_t columns = blocks.dims[1];
  Tensor weight =
      empty(format.packed, {weight_rows, columns}, packed_bytes(format.packed, weight_rows, columns));
  pack_groups(blocks.dtype, blocks.bytes.data(), weight_rows, columns, 0, (weight_rows + 15) / 16,
              weight.bytes.data());
  return weight;
}

Tensor random_weight(Random& random, Dtype dtype, std::int64_t weight_rows, std::int64_t columns) {
  return packed(random_blocks(random, dtype, weight_rows, columns));
}

Tensor sparse_marks(Random& random, std::int64_t columns) {
  Tensor marks = empty(Dtype::f32, {columns});
  for (std::int64_t i = 0; i < columns; ++i) marks.as<float>()[i] = random() % 24 == 0 ? 1.0f : 0.0f;
  return marks;
}

double decoded_activation(const std::uint8_t* record, std::int64_t columns, std::int64_t column) {
  const std::int64_t blocks = columns / kActivationBlock;
  const std::int64_t block = column / kActivationBlock;
  const auto factor = [&](std::int64_t which) { return record + columns + (which * blocks + block) * 4; };
  float scale = 0;
  std::uint32_t zero = 0;
  std::int16_t fine[kFineColumns] = {};
  std::memcpy(&scale, factor(0), sizeof scale);
  std::memcpy(&zero, factor(1), sizeof zero);
  if ((zero & kHasFine) != 0) std::memcpy(fine, factor(4), sizeof fine);
  int code = record[column] - static_cast<int>(zero & kZeroMask);
  for (int i = 0; i < kFineColumns; ++i)
    if (fine_column(zero, i) == column % kActivationBlock) code += fine[i];
  return static_cast<double>(scale) * code;
}

Tensor random_activation(Random& random, std::int64_t tokens, std::int64_t columns) {
  Case test{"",
            "QuantizeActivation",
            {normal(random, {tokens, columns}), sparse_marks(random, columns)},
            {empty(Dtype::a8, {tokens, columns}, activation_bytes(tokens, columns))},
            {},
            -1};
  for (const auto& kernel : kernels())
    if (kernel.name == "portable.quantize_activation") return run(kernel, test, 1).at(0);
  return {};
}

Tensor random_float_weight(Random& random, Dtype layout, std::int64_t weight_rows, std::int64_t columns) {
  const Dtype type = layout == Dtype::packed_bf16  ? Dtype::bf16
                     : layout == Dtype::packed_f16 ? Dtype::f16
                                                   : Dtype::f32;
  const Tensor numbers = normal(random, {weight_rows, columns});
  Tensor source = empty(type, {weight_rows, columns});
  for (std::int64_t i = 0; i < weight_rows * columns; ++i) {
    const float value = bfloat_to_float(float_to_bfloat(numbers.as<float>()[i]));
    if (type == Dtype::f32) source.as<float>()[i] = value;
    if (type == Dtype::f16) source.as<std::uint16_t>()[i] = float_to_half(value);
    if (type == Dtype::bf16) source.as<std::uint16_t>()[i] = float_to_bfloat(value);
  }
  Tensor weight = empty(layout, {weight_rows, columns}, packed_bytes(layout, weight_rows, columns));
  pack_groups(type, source.bytes.data(), weight_rows, columns, 0, (weight_rows + 15) / 16,
              weight.bytes.data());
  return weight;
}

Tensor random_rounded(Random& random, Shape dims) {
  const Tensor numbers = normal(random, dims);
  Tensor rounded = empty(Dtype::bf16, std::move(dims));
  for (std::size_t i = 0; i < rounded.bytes.size() / 2; ++i)
    rounded.as<std::uint16_t>()[i] = float_to_bfloat(numbers.as<float>()[i] * (i % 7 == 3 ? 1e-38f : 1.0f));
  return rounded;
}

}  // namespace lathe::parity
