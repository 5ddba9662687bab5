// Error feedback: the factor is what it says, and products of rounded matrices lie closer to the true ones.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "lathe/error.h"
#include "quant/block_format.h"
#include "quant/gptq.h"
#include "quant/quantize_rows.h"
#include "quant/subtract_product.h"
#include "support/block_types.h"

namespace lathe {
namespace {

std::vector<float> normal(std::int64_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> distribution;
  std::vector<float> values(static_cast<std::size_t>(count));
  for (auto& value : values) value = distribution(random);
  return values;
}

/// X^T X of inputs whose columns go together: each is a mixture of a quarter as many sources, and some noise.
std::vector<float> correlated(std::int64_t columns, unsigned seed) {
  const std::int64_t sources = columns / 4 + 1;
  const std::int64_t tokens = 2 * columns;
  const auto mixture = normal(sources * columns, seed);
  const auto drive = normal(tokens * sources, seed + 1);
  auto inputs = normal(tokens * columns, seed + 2);
  std::vector<float> gram(static_cast<std::size_t>(columns * columns));
  for (std::int64_t t = 0; t < tokens; ++t)
    for (std::int64_t s = 0; s < sources; ++s)
      for (std::int64_t c = 0; c < columns; ++c)
        inputs[static_cast<std::size_t>(t * columns + c)] +=
            drive[static_cast<std::size_t>(t * sources + s)] *
            mixture[static_cast<std::size_t>(s * columns + c)];
  for (std::int64_t t = 0; t < tokens; ++t)
    for (std::int64_t i = 0; i < columns; ++i)
      for (std::int64_t j = 0; j < columns; ++j)
        gram[static_cast<std::size_t>(i * columns + j)] += inputs[static_cast<std::size_t>(t * columns + i)] *
                                                           inputs[static_cast<std::size_t>(t * columns + j)];
  return gram;
}

/// |X (W - Q)^T|^2.
double product_error(const std::vector<float>& gram, const std::vector<float>& values,
                     const std::vector<float>& others, std::int64_t columns) {
  double sum = 0.0;
  for (std::size_t row = 0; row < values.size(); row += static_cast<std::size_t>(columns))
    for (std::int64_t i = 0; i < columns; ++i) {
      const auto a = row + static_cast<std::size_t>(i);
      double products = 0.0;
      for (std::int64_t j = 0; j < columns; ++j) {
        const auto b = row + static_cast<std::size_t>(j);
        products += static_cast<double>(gram[static_cast<std::size_t>(i * columns + j)]) *
                    (static_cast<double>(values[b]) - static_cast<double>(others[b]));
      }
      sum += products * (static_cast<double>(values[a]) - static_cast<double>(others[a]));
    }
  return sum;
}

std::vector<float> decoded(Dtype dtype, const std::vector<std::byte>& blocks, std::int64_t columns) {
  const auto rows = static_cast<std::int64_t>(blocks.size() / row_bytes(dtype, columns));
  std::vector<float> values(static_cast<std::size_t>(rows * columns));
  decode_rows(dtype, blocks.data(), values.data(), rows, columns);
  return values;
}

std::vector<std::byte> with_feedback(Dtype dtype, std::vector<float> values, const std::vector<float>& factor,
                                     std::int64_t columns, const float* importance = nullptr) {
  const auto rows = static_cast<std::int64_t>(values.size()) / columns;
  std::vector<std::byte> blocks(static_cast<std::size_t>(rows) * row_bytes(dtype, columns));
  gptq_rows(dtype, values.data(), factor.data(), importance, rows, columns, blocks.data());
  return blocks;
}

TEST(SubtractProduct, IsThatOfThePlainLoops) {
  for (const std::int64_t rows : {1, 4, 7})
    for (const std::int64_t columns : {1, 8, 19})
      for (const std::int64_t inner : {0, 1, 33}) {
        auto c = normal(rows * 32, 1);
        auto a = normal(rows * 40, 2);
        auto b = normal((inner + 1) * 24, 3);
        auto expected = c;
        for (std::int64_t i = 0; i < rows; ++i)
          for (std::int64_t j = 0; j < columns; ++j)
            for (std::int64_t k = 0; k < inner; ++k)
              expected[static_cast<std::size_t>(i * 32 + j)] -=
                  a[static_cast<std::size_t>(i * 40 + k)] * b[static_cast<std::size_t>(k * 24 + j)];
        subtract_product({c.data(), 32}, {a.data(), 40}, {b.data(), 24}, rows, columns, inner);
        ASSERT_EQ(c, expected) << rows << " " << columns << " " << inner;
      }
}

TEST(GptqFactor, TimesItselfIsTheInverse) {
  for (const std::int64_t columns : {1, 5, 64, 65, 200}) {
    const auto gram = correlated(columns, 20);
    auto factor = gram;
    constexpr double kDamping = 0.02;
    gptq_factor(factor.data(), columns, static_cast<float>(kDamping));
    const auto at = [columns](const std::vector<float>& matrix, std::int64_t i, std::int64_t j) {
      return static_cast<double>(matrix[static_cast<std::size_t>(i * columns + j)]);
    };
    double mean = 0.0;
    for (std::int64_t i = 0; i < columns; ++i) mean += at(gram, i, i) / static_cast<double>(columns);
    std::vector<double> row(static_cast<std::size_t>(columns));
    for (std::int64_t i = 0; i < columns; ++i) {
      for (std::int64_t j = 0; j < i; ++j) ASSERT_EQ(at(factor, i, j), 0.0);
      // Row i of (H + damping) U^T U is that of the unit matrix.
      std::fill(row.begin(), row.end(), 0.0);
      for (std::int64_t k = 0; k < columns; ++k) {
        double product = 0.0;  // of row i of the damped H and row k of U
        for (std::int64_t j = k; j < columns; ++j) {
          const double damped = at(gram, i, j) + (i == j ? kDamping * (mean + 3.0 * at(gram, i, i)) : 0.0);
          product += damped * at(factor, k, j);
        }
        for (std::int64_t j = k; j < columns; ++j)
          row[static_cast<std::size_t>(j)] += product * at(factor, k, j);
      }
      for (std::int64_t j = 0; j < columns; ++j)
        ASSERT_NEAR(row[static_cast<std::size_t>(j)], i == j ? 1.0 : 0.0, 1e-3)
            << columns << ": " << i << ", " << j;
    }
  }
}

TEST(GptqFactor, TakesColumnsWithoutInputAndOneTokenForMany) {
  constexpr std::int64_t kColumns = 96;
  std::vector<float> gram(kColumns * kColumns);
  for (std::size_t i = 0; i < 90; ++i)
    for (std::size_t j = 0; j < 90; ++j) gram[i * kColumns + j] = 1e4f;  // of rank one
  gptq_factor(gram.data(), kColumns, 1e-9f);
  for (const float value : gram) ASSERT_TRUE(std::isfinite(value));
  std::vector<float> zeros(kColumns * kColumns);
  gptq_factor(zeros.data(), kColumns);
  for (std::size_t i = 0; i < kColumns; ++i) EXPECT_GT(zeros[i * kColumns + i], 0.0f);
}

TEST(GptqFactor, RefusesWhatIsNotFinite) {
  auto gram = correlated(40, 21);
  gram[40 * 3 + 7] = std::numeric_limits<float>::infinity();
  EXPECT_THROW(gptq_factor(gram.data(), 40), Error);
}

class Gptq : public testing::TestWithParam<Dtype> {};

TEST_P(Gptq, LowersTheErrorOfProducts) {
  constexpr std::int64_t kColumns = 512;
  const auto gram = correlated(kColumns, 30);
  const auto values = normal(20 * kColumns, 31);
  auto factor = gram;
  gptq_factor(factor.data(), kColumns);
  std::vector<float> importance(kColumns);
  for (std::size_t i = 0; i < importance.size(); ++i) importance[i] = gram[i * (kColumns + 1)];
  std::vector<std::byte> plain(20 * row_bytes(GetParam(), kColumns));
  quantize_rows(GetParam(), values.data(), importance.data(), 20, kColumns, plain.data());
  const double before = product_error(gram, values, decoded(GetParam(), plain, kColumns), kColumns);
  const auto fed = with_feedback(GetParam(), values, factor, kColumns);
  EXPECT_LT(product_error(gram, values, decoded(GetParam(), fed, kColumns), kColumns), 0.5 * before);
  const auto weighted = with_feedback(GetParam(), values, factor, kColumns, importance.data());
  EXPECT_LT(product_error(gram, values, decoded(GetParam(), weighted, kColumns), kColumns), 0.5 * before);
}

TEST_P(Gptq, RowsAreIndependent) {
  constexpr std::int64_t kColumns = 768;
  auto factor = correlated(kColumns / 3, 32);
  std::vector<float> gram(kColumns * kColumns);
  for (std::size_t i = 0; i < kColumns; ++i)
    for (std::size_t j = 0; j < kColumns; ++j)
      gram[i * kColumns + j] = factor[i / 3 * (kColumns / 3) + j / 3] * (i == j ? 1.5f : 1.0f);
  gptq_factor(gram.data(), kColumns);
  const auto values = normal(37 * kColumns, 33);
  const auto whole = with_feedback(GetParam(), values, gram, kColumns);
  const std::size_t bytes = row_bytes(GetParam(), kColumns);
  for (const std::size_t row : {0u, 15u, 16u, 35u, 36u}) {
    const std::vector<float> one(values.begin() + static_cast<std::ptrdiff_t>(row * kColumns),
                                 values.begin() + static_cast<std::ptrdiff_t>((row + 1) * kColumns));
    const auto alone = with_feedback(GetParam(), one, gram, kColumns);
    const auto other = decoded(GetParam(),
                               {whole.begin() + static_cast<std::ptrdiff_t>(row * bytes),
                                whole.begin() + static_cast<std::ptrdiff_t>((row + 1) * bytes)},
                               kColumns);
    ASSERT_EQ(decoded(GetParam(), alone, kColumns), other) << row;
  }
}

TEST_P(Gptq, ABadBlockSpoilsNoOther) {
  constexpr std::int64_t kColumns = 768;
  std::vector<float> gram(kColumns * kColumns, 1.0f);
  for (std::size_t i = 0; i < kColumns; ++i) gram[i * (kColumns + 1)] = 2.0f;
  gptq_factor(gram.data(), kColumns);
  auto values = normal(kColumns, 34);
  values[300] = std::numeric_limits<float>::quiet_NaN();
  const auto result = decoded(GetParam(), with_feedback(GetParam(), values, gram, kColumns), kColumns);
  const std::size_t block = info(GetParam()).block_elements;
  bool marked = false;
  for (std::size_t i = 0; i < kColumns; ++i) {
    const bool inside = i / block == 300 / block;
    marked |= inside && !std::isfinite(result[i]);
    ASSERT_TRUE(inside || std::isfinite(result[i])) << i;
  }
  EXPECT_TRUE(marked);
}

INSTANTIATE_TEST_SUITE_P(Formats, Gptq, testing::ValuesIn(test::block_types()),
                         [](const auto& test) { return std::string(lathe::info(test.param).name); });

TEST(GptqOfFloats, RoundsThem) {
  const auto values = normal(64, 35);
  std::vector<float> factor(64 * 64);
  for (std::size_t i = 0; i < 64; ++i) factor[i * 65] = 1.0f;
  std::vector<std::byte> plain(128);
  quantize_rows(Dtype::bf16, values.data(), nullptr, 1, 64, plain.data());
  EXPECT_EQ(with_feedback(Dtype::bf16, values, factor, 64), plain);
}

}  // namespace
}  // namespace lathe
