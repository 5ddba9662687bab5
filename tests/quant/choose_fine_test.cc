// Which columns get codes of 16 bits.
#include "quant/choose_fine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "quant/activation.h"

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

TEST(ChooseFine, NoMoreColumnsThanAllowed) {
  const auto rows = normal_rows(50, 256);
  EXPECT_EQ(choose_fine_columns(rows, 256, {0, 0, 1}).columns.size(), 16u);
  EXPECT_EQ(choose_fine_columns(rows, 256, {0, 0, 1, 5}).columns.size(), 4u);
}

TEST(ChooseStaticFine, RangesAreOfAllRowsWithoutTheFineColumns) {
  auto rows = normal_rows(50, 64);
  scale_column(rows, 64, 7, 100);
  rows[64 + 40] = 9;  // once, and so for all
  ColumnRanges ranges;
  ranges.add(std::span(rows).first(64 * 20), 64);
  ranges.add(std::span(rows).subspan(64 * 20), 64);
  EXPECT_EQ(ranges.rows, 50);
  const auto choice = choose_static_fine_columns(ranges, {0, 0.1, 1, 2});
  ASSERT_EQ(choice.columns.size(), 2u);
  EXPECT_EQ(std::ranges::count(choice.columns, 7), 1);
  EXPECT_LT(choice.error_after, choice.error_before);
  const auto ends = block_ranges(ranges, choice.columns);
  ASSERT_EQ(ends.size(), 4u);  // [2, blocks]
  EXPECT_EQ(ends[3], 9);
  float low = 0;
  float high = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i % 64 >= 32 || std::ranges::count(choice.columns, static_cast<std::int32_t>(i % 64)) > 0) continue;
    low = std::min(low, rows[i]);
    high = std::max(high, rows[i]);
  }
  EXPECT_EQ(ends[0], low);
  EXPECT_EQ(ends[2], high);
  EXPECT_GT(block_ranges(ranges, {})[2], 100);
}

TEST(ChooseStaticFine, AFineColumnsCodesFit) {
  std::vector<float> row(32, 0.001f);
  row[5] = -60'000;
  ColumnRanges ranges;
  ranges.add(row, 32);
  EXPECT_FLOAT_EQ(block_ranges(ranges, std::vector<std::int32_t>{5})[1], 60'000 * 255.0f / kFineSteps);
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
