// Which columns get codes of 16 bits.
#include "quant/choose_fine.h"

#include <gtest/gtest.h>

#include <random>

namespace lathe {
namespace {

std::vector<float> normal_rows(std::int64_t tokens, std::int64_t columns) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  std::vector<float> rows(static_cast<std::size_t>(tokens * columns));
  for (float& value : rows) value = normal(random);
  return rows;
}

void scale_column(std::vector<float>& rows, std::size_t columns, std::size_t column, float factor) {
  for (std::size_t i = column; i < rows.size(); i += columns) rows[i] *= factor;
}

TEST(ChooseFine, FindsTheColumnsThatHoldTheRange) {
  auto rows = normal_rows(50, 128);
  scale_column(rows, 128, 40, 30);
  scale_column(rows, 128, 63, -20);
  scale_column(rows, 128, 100, 40);
  const auto choice = choose_fine_columns(rows, 128, {0, 0.1, 1});
  ASSERT_EQ(choice.columns.size(), 4u);  // a block's second column costs nothing
  EXPECT_EQ(choice.columns[0], 40);
  EXPECT_EQ(choice.columns[1], 63);
  EXPECT_TRUE(choice.columns[2] == 100 || choice.columns[3] == 100);
  EXPECT_GE(choice.columns[2], 96);
  EXPECT_LT(choice.error_after, choice.error_before / 3);
}

TEST(ChooseFine, LimitsHold) {
  auto rows = normal_rows(50, 128);
  scale_column(rows, 128, 40, 30);
  scale_column(rows, 128, 100, 40);
  EXPECT_EQ(choose_fine_columns(rows, 128, {1, 0.1, 1}).columns.size(), 0u);    // the error is less
  EXPECT_EQ(choose_fine_columns(rows, 128, {0, 0.9, 1}).columns.size(), 0u);    // none gains so much
  EXPECT_EQ(choose_fine_columns(rows, 128, {0, 0.1, 0.2}).columns.size(), 2u);  // one block of four
}

TEST(ChooseFine, NothingIsChosenOfZerosOrWithoutNumbers) {
  std::vector<float> rows(64, 0.0f);
  EXPECT_TRUE(choose_fine_columns(rows, 64, {}).columns.empty());
  EXPECT_TRUE(choose_fine_columns({}, 64, {}).columns.empty());
  rows[5] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(choose_fine_columns(rows, 64, {}).columns.empty());
}

}  // namespace
}  // namespace lathe
