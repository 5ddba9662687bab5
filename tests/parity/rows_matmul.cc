// Cases of Linear, RoundActivation, QuantizeActivation and QuantizedLinear.
#include <array>
#include <limits>

#include "parity/matmul_operands.h"
#include "parity/rows.h"
#include "quant/block_format.h"
#include "support/block_types.h"

namespace lathe::parity {
namespace {

std::string describe(std::int64_t tokens, std::int64_t columns, std::int64_t weight_rows) {
  return std::to_string(tokens) + " x " + std::to_string(columns) + " x " + std::to_string(weight_rows);
}

}  // namespace

std::vector<Case> linear_cases() {
  Random random(8);
  std::vector<Case> cases;
  for (const std::int64_t columns : {1, 31, 64, 576})
    for (const std::int64_t weight_rows : {1, 16, 100})
      for (const std::int64_t tokens : {1, 2, 3, 7, 16, 64, 65, 512}) {
        if (tokens == 512 && (columns > 64 || weight_rows > 16)) continue;
        for (const Dtype layout : {Dtype::packed_f32, Dtype::packed_bf16, Dtype::packed_f16})
          for (const bool rounded : {false, true}) {
            if (rounded && layout != Dtype::packed_bf16) continue;
            const Tensor weight = random_float_weight(random, layout, weight_rows, columns);
            cases.push_back(
                {std::string(info(layout).name) + " " + describe(tokens, columns, weight_rows),
                 "Linear",
                 {rounded ? random_rounded(random, {tokens, columns}) : normal(random, {tokens, columns}),
                  weight},
                 {empty(Dtype::f32, {tokens, weight_rows})},
                 {},
                 -1});
          }
      }
  // Nothing but numbers around the least normal one.
  for (const std::int64_t columns : {1, 2, 7, 64}) {
    Tensor x = random_rounded(random, {9, columns});
    for (std::int64_t i = 0; i < 9 * columns; ++i)
      x.as<std::uint16_t>()[i] = static_cast<std::uint16_t>(random() & 0x81ffu);
    cases.push_back({"tiny " + describe(9, columns, 33),
                     "Linear",
                     {std::move(x), random_float_weight(random, Dtype::packed_bf16, 33, columns)},
                     {empty(Dtype::f32, {9, 33})},
                     {},
                     -1});
  }
  return cases;
}

std::vector<Case> round_activation_cases() {
  Random random(12);
  std::vector<Case> cases;
  for (const std::int64_t columns : {1, 15, 64, 577})
    for (const std::int64_t tokens : {1, 3, 65}) {
      Tensor x = normal(random, {tokens, columns});
      auto* bits = x.as<std::uint32_t>();
      for (std::int64_t i = 0; i < tokens * columns; ++i) {
        if (i % 5 == 1) bits[i] = static_cast<std::uint32_t>(random());  // any float
        if (i % 5 == 2) bits[i] &= 0x80ffffff;                           // around the least normal one
        if (i % 5 == 3) bits[i] = (bits[i] & 0xffff0000) | 0x8000;       // half way
      }
      cases.push_back({describe(tokens, columns, 0),
                       "RoundActivation",
                       {std::move(x)},
                       {empty(Dtype::bf16, {tokens, columns})},
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
  for (const std::int64_t columns : {32, 608, 2048})
    for (const std::int64_t tokens : {1, 7, 64})
      cases.push_back({describe(tokens, columns, 1),
                       "QuantizeActivation",
                       {normal(random, {tokens, columns}), sparse_marks(random, columns)},
                       {empty(Dtype::a8, {tokens, columns}, activation_bytes(tokens, columns))},
                       {},
                       -1});
  for (const std::int64_t tokens : {1, 9}) {  // a row for each token and slot
    Tensor result = empty(Dtype::a8, {tokens, 3, 96}, activation_bytes(3 * tokens, 96));
    cases.push_back({describe(tokens, 96, 3),
                     "QuantizeActivation",
                     {normal(random, {tokens, 3, 96})},
                     {std::move(result)},
                     {},
                     -1});
  }
  return cases;
}

namespace {

/// f32 [2, blocks], narrower than some normal values.
Tensor random_ranges(Random& random, std::int64_t blocks) {
  Tensor ranges = normal(random, {2, blocks}, 2);
  for (std::int64_t block = 0; block < blocks; ++block) {
    float& low = ranges.as<float>()[block];
    float& high = ranges.as<float>()[blocks + block];
    if (high < low) std::swap(low, high);
    if (block % 5 == 3) low = high = 1e-30f;  // whose codes are all 0
    if (block % 5 == 4) high = 1e-12f;        // far less than the values
  }
  return ranges;
}

/// Some blocks with numbers that are none, some far beyond any range.
void spoil(Tensor& x, std::int64_t columns) {
  const std::int64_t count = element_count(x.dims);
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const float bad[] = {std::numeric_limits<float>::quiet_NaN(), kInfinity, -kInfinity, 3e38f, -3e38f};
  for (std::int64_t i = columns - 1, which = 0; i < count; i += 3 * columns - 5, ++which)
    x.as<float>()[i] = bad[which % 5];
}

}  // namespace

std::vector<Case> ranged_quantize_activation_cases() {
  Random random(13);
  std::vector<Case> cases;
  for (const std::int64_t columns : {32, 160, 608, 2048})
    for (const std::int64_t tokens : {1, 8, 33})
      for (const bool fine : {false, true}) {
        Tensor x = normal(random, {tokens, columns});
        if (tokens == 33) spoil(x, columns);
        Case known{describe(tokens, columns, fine),
                   "RangedQuantizeActivation",
                   {std::move(x), random_ranges(random, columns / 32)},
                   {empty(Dtype::a8, {tokens, columns}, activation_bytes(tokens, columns))},
                   {integer(0)},
                   -1};
        if (fine) known.inputs.push_back(sparse_marks(random, columns));
        cases.push_back(std::move(known));
      }
  for (const std::int64_t columns : {32, 96, 768})
    for (const std::int64_t tokens : {1, 7, 64})
      for (const std::int64_t group : {std::int64_t{0}, std::int64_t{32}, columns / 3 / 32 * 32})
        cases.push_back({describe(tokens, columns, group),
                         "RangedQuantizeActivation",
                         {normal(random, {tokens, columns}, 3)},
                         {empty(Dtype::a8, {tokens, columns}, activation_bytes(tokens, columns))},
                         {integer(group)},
                         -1});
  for (const std::int64_t columns : {64, 1216}) {
    Tensor x = normal(random, {17, columns});
    spoil(x, columns);
    cases.push_back({describe(17, columns, 0) + " spoiled",
                     "RangedQuantizeActivation",
                     {std::move(x)},
                     {empty(Dtype::a8, {17, columns}, activation_bytes(17, columns))},
                     {integer(32)},
                     -1});
  }
  for (const std::int64_t tokens : {1, 9}) {
    Tensor ranges = random_ranges(random, 3);
    Tensor result = empty(Dtype::a8, {tokens, 2, 96}, activation_bytes(2 * tokens, 96));
    cases.push_back({describe(tokens, 96, 2),
                     "RangedQuantizeActivation",
                     {normal(random, {tokens, 2, 96}), std::move(ranges)},
                     {std::move(result)},
                     {integer(0)},
                     -1});
  }
  return cases;
}

std::vector<Case> quantized_linear_cases() {
  Random random(10);
  std::vector<Case> cases;
  for (const auto dtype : test::block_types()) {
    const bool wide = info(dtype).block_elements == 256;
    for (const std::int64_t columns : wide ? std::array{256, 512} : std::array{32, 576})
      for (const std::int64_t weight_rows : {1, 16, 100})
        for (const std::int64_t tokens :
             {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 33, 64, 65, 512}) {
          if (tokens == 512 && (columns > 256 || weight_rows > 16)) continue;
          cases.push_back({std::string(info(dtype).name) + " " + describe(tokens, columns, weight_rows),
                           "QuantizedLinear",
                           {random_activation(random, tokens, columns),
                            random_weight(random, dtype, weight_rows, columns)},
                           {empty(Dtype::f32, {tokens, weight_rows})},
                           {},
                           -1});
        }
    const std::int64_t columns = wide ? 512 : 576;
    for (const std::int64_t weight_rows : {1, 16, 100})
      for (const std::int64_t tokens : {1, 3, 65})
        cases.push_back(
            {"blocks of " + std::string(info(dtype).name) + " " + describe(tokens, columns, weight_rows),
             "QuantizedLinear",
             {random_activation(random, tokens, columns), random_blocks(random, dtype, weight_rows, columns)},
             {empty(Dtype::f32, {tokens, weight_rows})},
             {},
             -1});
  }
  return cases;
}

}  // namespace lathe::parity
