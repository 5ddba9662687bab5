// Cases of Linear, QuantizeActivation and QuantizedLinear.
#include <array>
#include <cmath>

#include "base/half.h"
#include "cpu/kernels.h"
#include "parity/rows.h"
#include "quant/activation.h"
#include "quant/block_format.h"

namespace lathe::parity {
namespace {

std::string describe(std::int64_t tokens, std::int64_t columns, std::int64_t weight_rows) {
  return std::to_string(tokens) + " x " + std::to_string(columns) + " x " + std::to_string(weight_rows);
}

/// Bytes of activation rows (activation.h).
std::size_t activation_bytes(std::int64_t tokens, std::int64_t columns) {
  return static_cast<std::size_t>(tokens * (columns + columns / kActivationBlock * 12));
}

/// Packed weights of a file type: random codes under factors as models have them. The factors lie at known
/// places in a block, so these bytes are replaced.
Tensor random_weight(Random& random, Dtype dtype, std::int64_t weight_rows, std::int64_t columns) {
  const auto& format = *block_format(dtype);
  const auto& block = info(dtype);
  std::vector<std::byte> bytes(dense_bytes(dtype, {weight_rows, columns}));
  for (auto& byte : bytes) byte = static_cast<std::byte>(random());
  const bool has_minima =
      dtype == Dtype::q4_1 || dtype == Dtype::q5_1 || dtype == Dtype::q4_k || dtype == Dtype::q5_k;
  const std::size_t first_factor = dtype == Dtype::q6_k ? 208 : 0;
  std::uniform_real_distribution<float> scale(0.001f, 0.02f);
  for (std::size_t at = 0; at < bytes.size(); at += block.block_bytes)
    for (std::size_t factor = 0; factor < (has_minima ? 2 : 1); ++factor) {
      const std::uint16_t half = float_to_half(factor == 0 ? scale(random) : -4 * scale(random));
      std::memcpy(bytes.data() + at + first_factor + 2 * factor, &half, sizeof half);
    }
  Tensor weight =
      empty(format.packed, {weight_rows, columns}, packed_bytes(format.packed, weight_rows, columns));
  pack_groups(dtype, bytes.data(), weight_rows, columns, 0, (weight_rows + 15) / 16, weight.bytes.data());
  return weight;
}

/// Activations quantized by the portable kernel.
Tensor random_activation(Random& random, std::int64_t tokens, std::int64_t columns) {
  Case test{"",
            "QuantizeActivation",
            {normal(random, {tokens, columns})},
            {empty(Dtype::a8, {tokens, columns}, activation_bytes(tokens, columns))},
            {},
            -1};
  for (const auto& kernel : kernels())
    if (kernel.name == "portable.quantize_activation") return run(kernel, test, 1).at(0);
  return {};
}

}  // namespace

std::vector<Case> linear_cases() {
  Random random(8);
  std::vector<Case> cases;
  for (const std::int64_t columns : {1, 31, 64, 576})
    for (const std::int64_t weight_rows : {1, 16, 100})
      for (const std::int64_t tokens : {1, 2, 3, 7, 16, 64, 65, 512}) {
        if (tokens == 512 && (columns > 64 || weight_rows > 16)) continue;
        const Tensor source = normal(random, {weight_rows, columns});
        Tensor weight = empty(Dtype::packed_f32, {weight_rows, columns},
                              packed_bytes(Dtype::packed_f32, weight_rows, columns));
        pack_groups(Dtype::f32, source.bytes.data(), weight_rows, columns, 0, (weight_rows + 15) / 16,
                    weight.bytes.data());
        cases.push_back({describe(tokens, columns, weight_rows),
                         "Linear",
                         {normal(random, {tokens, columns}), weight},
                         {empty(Dtype::f32, {tokens, weight_rows})},
                         {},
                         -1});
      }
  return cases;
}

std::vector<Case> quantize_activation_cases() {
  Random random(9);
  std::vector<Case> cases;
  for (const std::int64_t columns : {32, 96, 576, 640})
    for (const std::int64_t tokens : {1, 2, 7, 16, 64, 512})
      for (const float deviation : {1.0f, 0.0f, 1e-6f})
        cases.push_back({describe(tokens, columns, 0),
                         "QuantizeActivation",
                         {normal(random, {tokens, columns}, deviation)},
                         {empty(Dtype::a8, {tokens, columns}, activation_bytes(tokens, columns))},
                         {},
                         -1});
  return cases;
}

std::vector<Case> quantized_linear_cases() {
  Random random(10);
  std::vector<Case> cases;
  for (const auto dtype : {Dtype::q4_0, Dtype::q4_1, Dtype::q5_0, Dtype::q5_1, Dtype::q8_0, Dtype::q4_k,
                           Dtype::q5_k, Dtype::q6_k}) {
    const bool wide = info(dtype).block_elements == 256;
    for (const std::int64_t columns : wide ? std::array{256, 512} : std::array{32, 576})
      for (const std::int64_t weight_rows : {1, 16, 100})
        for (const std::int64_t tokens : {1, 2, 3, 4, 5, 7, 12, 16, 33, 64, 512}) {
          if (tokens == 512 && (columns > 256 || weight_rows > 16)) continue;
          cases.push_back({std::string(info(dtype).name) + " " + describe(tokens, columns, weight_rows),
                           "QuantizedLinear",
                           {random_activation(random, tokens, columns),
                            random_weight(random, dtype, weight_rows, columns)},
                           {empty(Dtype::f32, {tokens, weight_rows})},
                           {},
                           -1});
        }
  }
  return cases;
}

}  // namespace lathe::parity
