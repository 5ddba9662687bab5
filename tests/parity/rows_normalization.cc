// Cases of LayerNormalization, LpNormalization and SequenceMean: every tail, in place and not, rows far from
// zero, rows of zeros.
#include <array>

#include "parity/attention_step.h"
#include "parity/rows.h"

namespace lathe::parity {
namespace {

constexpr std::array<std::int64_t, 8> kColumns = {1, 15, 16, 31, 64, 256, 384, 577};
constexpr std::array<std::int64_t, 5> kTokens = {1, 2, 7, 16, 64};

Tensor shifted(Tensor x, float offset) {
  for (std::int64_t i = 0; i < element_count(x.dims); ++i) x.as<float>()[i] += offset;
  return x;
}

}  // namespace

std::vector<Case> layer_normalization_cases() {
  Random random(31);
  std::vector<Case> cases;
  for (const std::int64_t columns : kColumns)
    for (const std::int64_t tokens : kTokens)
      for (const int alias : {-1, 0})
        for (const bool bias : {false, true}) {
          Case test{
              std::to_string(tokens) + " x " + std::to_string(columns) + " alias " + std::to_string(alias),
              "LayerNormalization",
              {shifted(normal(random, {tokens, columns}, 3), 2), normal(random, {columns})},
              {empty(Dtype::f32, {tokens, columns})},
              {real(tokens % 2 == 0 ? 1e-5 : 1e-12)},
              alias};
          if (bias) test.inputs.push_back(normal(random, {columns}));
          cases.push_back(std::move(test));
        }
  cases.push_back({"heads",
                   "LayerNormalization",
                   {normal(random, {7, 4, 96}), normal(random, {96})},
                   {empty(Dtype::f32, {7, 4, 96})},
                   {real(1e-6)},
                   -1});
  cases.push_back({"zeros",
                   "LayerNormalization",
                   {normal(random, {2, 33}, 0), normal(random, {33}), normal(random, {33})},
                   {empty(Dtype::f32, {2, 33})},
                   {real(1e-5)},
                   -1});
  return cases;
}

std::vector<Case> lp_normalization_cases() {
  Random random(32);
  std::vector<Case> cases;
  for (const std::int64_t columns : kColumns)
    for (const std::int64_t tokens : kTokens)
      for (const int alias : {-1, 0})
        cases.push_back(
            {std::to_string(tokens) + " x " + std::to_string(columns) + " alias " + std::to_string(alias),
             "LpNormalization",
             {normal(random, {tokens, columns}, 3)},
             {empty(Dtype::f32, {tokens, columns})},
             {},
             alias});
  for (const float deviation : {0.0f, 1e-13f})
    cases.push_back({"deviation " + std::to_string(deviation),
                     "LpNormalization",
                     {normal(random, {2, 33}, deviation)},
                     {empty(Dtype::f32, {2, 33})},
                     {},
                     -1});
  return cases;
}

std::vector<Case> sequence_mean_cases() {
  using Sequences = std::vector<SequenceShape>;
  Random random(33);
  std::vector<Case> cases;
  for (const std::int64_t columns : kColumns)
    for (const Sequences& sequences :
         {Sequences{{1, 0}}, Sequences{{64, 0}}, Sequences{{2, 0}, {1, 0}, {17, 3}}}) {
      const Step step(random, sequences);
      const auto count = static_cast<std::int64_t>(sequences.size());
      cases.push_back({std::to_string(count) + " sequences, " + std::to_string(step.tokens) + " x " +
                           std::to_string(columns),
                       "SequenceMean",
                       {normal(random, {step.tokens, columns}), step.sequences_tensor()},
                       {empty(Dtype::f32, {count, columns})},
                       {},
                       -1});
    }
  return cases;
}

}  // namespace lathe::parity
