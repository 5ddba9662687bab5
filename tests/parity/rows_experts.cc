// Cases of SelectExperts, ExpertLinear, QuantizedExpertLinear and ExpertSum. Matrices of experts that no row
// chose are NaN in every factor.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "parity/matmul_operands.h"
#include "parity/rows.h"
#include "quant/block_format.h"
#include "support/block_types.h"

namespace lathe::parity {
namespace {

struct Mixture {
  std::int64_t tokens, k, experts;
  std::int64_t unused;  // the first ones
  std::int64_t rows, columns;
  bool row_for_each_slot;
};

std::string describe(const Mixture& mixture) {
  return std::to_string(mixture.tokens) + " x " + std::to_string(mixture.k) + " of " +
         std::to_string(mixture.experts) + ", " + std::to_string(mixture.columns) + " x " +
         std::to_string(mixture.rows) + (mixture.row_for_each_slot ? ", a row for each slot" : "");
}

/// Different ones in each row.
Tensor random_experts(Random& random, const Mixture& mixture) {
  std::vector<std::int32_t> order(static_cast<std::size_t>(mixture.experts - mixture.unused));
  std::iota(order.begin(), order.end(), static_cast<std::int32_t>(mixture.unused));
  std::vector<std::int32_t> chosen;
  for (std::int64_t token = 0; token < mixture.tokens; ++token) {
    std::shuffle(order.begin(), order.end(), random);
    chosen.insert(chosen.end(), order.begin(), order.begin() + static_cast<std::ptrdiff_t>(mixture.k));
  }
  return integers(chosen, {mixture.tokens, mixture.k});
}

/// The experts' matrices one behind the other, those that were not chosen as bytes 0xff.
template <class MakeMatrix>
Tensor stacked(const Mixture& mixture, const Tensor& experts, MakeMatrix make_matrix) {
  Tensor result;
  const auto* chosen = experts.as<std::int32_t>();
  for (std::int32_t e = 0; e < mixture.experts; ++e) {
    Tensor matrix = make_matrix();
    if (std::find(chosen, chosen + mixture.tokens * mixture.k, e) == chosen + mixture.tokens * mixture.k)
      std::fill(matrix.bytes.begin(), matrix.bytes.end(), std::byte{0xff});
    result.dtype = matrix.dtype;
    result.bytes.insert(result.bytes.end(), matrix.bytes.begin(), matrix.bytes.end());
  }
  result.dims = {mixture.experts, mixture.rows, mixture.columns};
  return result;
}

Tensor with_slots(Tensor x, const Mixture& mixture) {
  if (mixture.row_for_each_slot) x.dims = {mixture.tokens, mixture.k, mixture.columns};
  return x;
}

std::int64_t x_rows(const Mixture& mixture) {
  return mixture.row_for_each_slot ? mixture.tokens * mixture.k : mixture.tokens;
}

Case product(std::string_view op, const Mixture& mixture, Tensor x, Tensor weight, const Tensor& experts) {
  return {describe(mixture),
          op,
          {with_slots(std::move(x), mixture), std::move(weight), experts},
          {empty(Dtype::f32, {mixture.tokens, mixture.k, mixture.rows})},
          {},
          -1};
}

}  // namespace

std::vector<Case> select_experts_cases() {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  Random random(31);
  std::vector<Case> cases;
  for (const std::int64_t experts : {1, 4, 16, 17, 60, 128})
    for (const std::int64_t k : {1, 2, 8})
      for (const std::int64_t tokens : {1, 7, 100})
        for (const std::int64_t normalize : {0, 1}) {
          if (k > experts) continue;
          Tensor logits = normal(random, {tokens, experts}, 3);
          if (tokens == 7) {  // equal, far apart and impossible ones
            auto* x = logits.as<float>();
            std::fill_n(x, experts, 0.5f);
            x[experts + experts / 2] = std::nanf("");
            x[2 * experts + experts - 1] = kInfinity;
            std::fill_n(x + 3 * experts, experts, -kInfinity);
            std::fill_n(x + 4 * experts, experts, -200.0f);
            x[4 * experts + experts / 2] = 200.0f;
          }
          cases.push_back(
              {std::to_string(tokens) + " x " + std::to_string(k) + " of " + std::to_string(experts),
               "SelectExperts",
               {logits},
               {empty(Dtype::f32, {tokens, k}), empty(Dtype::i32, {tokens, k})},
               {integer(k), integer(normalize)},
               -1});
        }
  return cases;
}

std::vector<Case> expert_linear_cases() {
  Random random(32);
  std::vector<Case> cases;
  for (const bool row_for_each_slot : {false, true})
    for (const auto& mixture :
         {Mixture{1, 2, 4, 0, 100, 31, row_for_each_slot}, Mixture{7, 1, 3, 1, 16, 64, row_for_each_slot},
          Mixture{5, 4, 16, 4, 33, 96, row_for_each_slot}, Mixture{150, 2, 3, 0, 40, 32, row_for_each_slot},
          Mixture{70, 1, 2, 1, 300, 20, row_for_each_slot}, Mixture{2, 8, 9, 0, 1, 1, row_for_each_slot}}) {
      const Tensor experts = random_experts(random, mixture);
      for (const Dtype layout : {Dtype::packed_f32, Dtype::packed_bf16, Dtype::packed_f16})
        for (const bool rounded : {false, true}) {
          if (rounded && layout != Dtype::packed_bf16) continue;
          const Tensor weight = stacked(mixture, experts, [&] {
            return random_float_weight(random, layout, mixture.rows, mixture.columns);
          });
          const Shape rows{x_rows(mixture), mixture.columns};
          Case test = product("ExpertLinear", mixture,
                              rounded ? random_rounded(random, rows) : normal(random, rows), weight, experts);
          test.name = std::string(info(layout).name) + " " + test.name;
          cases.push_back(std::move(test));
        }
    }
  return cases;
}

std::vector<Case> quantized_expert_linear_cases() {
  Random random(33);
  std::vector<Case> cases;
  for (const auto dtype : test::block_types()) {
    const std::int64_t unit = info(dtype).block_elements;
    for (const bool row_for_each_slot : {false, true})
      for (const auto& mixture : {Mixture{1, 2, 4, 0, 100, unit, row_for_each_slot},
                                  Mixture{6, 3, 8, 3, 16, 2 * unit, row_for_each_slot},
                                  Mixture{80, 2, 3, 0, 20, unit, row_for_each_slot},
                                  Mixture{3, 1, 3, 1, 300, unit, row_for_each_slot}}) {
        const Tensor experts = random_experts(random, mixture);
        const Tensor weight = stacked(
            mixture, experts, [&] { return random_weight(random, dtype, mixture.rows, mixture.columns); });
        Case test = product("QuantizedExpertLinear", mixture,
                            random_activation(random, x_rows(mixture), mixture.columns), weight, experts);
        test.name = std::string(info(dtype).name) + " " + test.name;
        cases.push_back(std::move(test));
      }
  }
  return cases;
}

std::vector<Case> expert_sum_cases() {
  Random random(34);
  std::vector<Case> cases;
  for (const std::int64_t columns : {1, 15, 64, 100, 2048})
    for (const std::int64_t k : {1, 2, 8})
      for (const std::int64_t tokens : {1, 3, 33})
        cases.push_back({std::to_string(tokens) + " x " + std::to_string(k) + " x " + std::to_string(columns),
                         "ExpertSum",
                         {normal(random, {tokens, k, columns}), normal(random, {tokens, k})},
                         {empty(Dtype::f32, {tokens, columns})},
                         {},
                         -1});
  return cases;
}

}  // namespace lathe::parity
