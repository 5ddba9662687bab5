// Cases of Gather, RMSNormalization, RotaryTable and RotaryEmbedding.
#include <array>
#include <cmath>

#include "parity/rows.h"
#include "support/block_types.h"

namespace lathe::parity {
namespace {

constexpr std::array<std::int64_t, 6> kTokens = {1, 2, 7, 16, 64, 512};

/// `rows` rows of any file type with finite values: random codes, small positive factors.
Tensor random_table(Random& random, Dtype dtype, std::int64_t table_rows, std::int64_t columns) {
  Tensor table = empty(dtype, {table_rows, columns});
  for (auto& byte : table.bytes) byte = static_cast<std::byte>(random() & 0x3fu);
  return table;
}

/// Angles per position, from 1 down, as no formula gives them.
Tensor frequencies(Random& random, std::int64_t pairs) {
  Tensor tensor = empty(Dtype::f64, {pairs});
  std::uniform_real_distribution<double> exponent(-14, 0);
  for (std::int64_t i = 0; i < pairs; ++i) tensor.as<double>()[i] = std::exp(exponent(random));
  return tensor;
}

}  // namespace

std::vector<Case> gather_cases() {
  Random random(3);
  std::vector<Case> cases;
  auto types = test::block_types();
  types.insert(types.begin(), {Dtype::f32, Dtype::f16, Dtype::bf16});
  for (const auto dtype : types)
    for (const std::int64_t tokens : kTokens) {
      const std::int64_t columns = info(dtype).block_elements == 1 ? 31 : 512;
      cases.push_back({std::string(info(dtype).name) + " tokens " + std::to_string(tokens),
                       "Gather",
                       {random_table(random, dtype, 19, columns), integers(random, {tokens}, 0, 18)},
                       {empty(Dtype::f32, {tokens, columns})},
                       {},
                       -1});
    }
  return cases;
}

std::vector<Case> rms_normalization_cases() {
  Random random(4);
  std::vector<Case> cases;
  for (const std::int64_t columns : {1, 15, 16, 31, 64, 256, 576, 640})
    for (const std::int64_t tokens : kTokens)
      for (const int alias : {-1, 0})
        cases.push_back(
            {std::to_string(tokens) + " x " + std::to_string(columns) + " alias " + std::to_string(alias),
             "RMSNormalization",
             {normal(random, {tokens, columns}, 3), normal(random, {columns})},
             {empty(Dtype::f32, {tokens, columns})},
             {real(tokens % 2 == 0 ? 1e-5 : 1e-6)},
             alias});
  cases.push_back({"heads",
                   "RMSNormalization",
                   {normal(random, {7, 4, 96}), normal(random, {96})},
                   {empty(Dtype::f32, {7, 4, 96})},
                   {real(1e-6)},
                   -1});
  Case zeros = {"zeros",
                "RMSNormalization",
                {normal(random, {2, 33}, 0), normal(random, {33})},
                {empty(Dtype::f32, {2, 33})},
                {real(1e-5)},
                -1};
  cases.push_back(zeros);
  return cases;
}

std::vector<Case> rotary_table_cases() {
  Random random(5);
  std::vector<Case> cases;
  for (const std::int64_t dims : {2, 64, 96, 256})
    for (const std::int64_t tokens : kTokens)
      for (const double magnitude : {1.0, 1.1386})
        cases.push_back({std::to_string(tokens) + " x " + std::to_string(dims),
                         "RotaryTable",
                         {integers(random, {tokens}, 0, 131071), frequencies(random, dims / 2)},
                         {empty(Dtype::f32, {tokens, dims})},
                         {real(magnitude)},
                         -1});
  return cases;
}

std::vector<Case> rotary_embedding_cases() {
  Random random(6);
  std::vector<Case> cases;
  for (const std::int64_t interleaved : {0, 1})
    for (const std::int64_t tokens : kTokens)
      for (const auto& [heads, head_dim, dims] : {std::array<std::int64_t, 3>{9, 64, 64},
                                                  {1, 256, 256},
                                                  {3, 80, 32},
                                                  {2, 6, 2},
                                                  {1, 34, 34},
                                                  {2, 96, 90}})
        for (const int alias : {-1, 0})
          cases.push_back({std::to_string(tokens) + " x " + std::to_string(heads) + " x " +
                               std::to_string(head_dim) + " dims " + std::to_string(dims) + " interleaved " +
                               std::to_string(interleaved),
                           "RotaryEmbedding",
                           {normal(random, {tokens, heads, head_dim}), normal(random, {tokens, dims})},
                           {empty(Dtype::f32, {tokens, heads, head_dim})},
                           {integer(interleaved)},
                           alias});
  return cases;
}

}  // namespace lathe::parity
