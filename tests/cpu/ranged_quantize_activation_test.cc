// RangedQuantizeActivation: one scale for many columns, and scales known ahead.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "cpu/matmul_call.h"
#include "quant/activation.h"

namespace lathe::test {
namespace {

using Bytes = std::vector<std::byte>;

Bytes quantize(const std::vector<float>& values, std::int64_t columns, std::int64_t group,
               const std::vector<float>& ranges = {}, const std::vector<float>& marks = {}) {
  const auto tokens = static_cast<std::int64_t>(values.size()) / columns;
  Bytes rows(static_cast<std::size_t>(tokens) * row_bytes(Dtype::a8, columns));
  std::vector<TensorArg> inputs = {tensor(values.data(), Dtype::f32, tokens, columns)};
  if (!ranges.empty()) inputs.push_back(tensor(ranges.data(), Dtype::f32, 2, columns / kActivationBlock));
  if (!marks.empty()) inputs.push_back(tensor(marks.data(), Dtype::f32, 1, columns));
  const TensorArg output = tensor(rows.data(), Dtype::a8, tokens, columns);
  const AttributeValue attribute{.integer = group};
  kernel_named("portable.ranged_quantize_activation")
      .run({inputs.data(), &output, &attribute, nullptr, static_cast<std::int32_t>(inputs.size()), 0, 1});
  return rows;
}

Bytes quantize_by_blocks(const std::vector<float>& values, std::int64_t columns) {
  Bytes rows(row_bytes(Dtype::a8, columns));
  call_kernel(kernel_named("portable.quantize_activation"), {tensor(values.data(), Dtype::f32, 1, columns)},
              tensor(rows.data(), Dtype::a8, 1, columns), 1);
  return rows;
}

float scale_of_block(const Bytes& row, std::int64_t columns, std::int64_t block) {
  float value;
  std::memcpy(&value, row.data() + columns + 4 * block, sizeof value);
  return value;
}

double decoded(const Bytes& row, std::int64_t columns, std::int64_t column) {
  const std::int64_t block = column / kActivationBlock;
  std::int32_t zero;
  std::memcpy(&zero, row.data() + columns + columns / 8 + 4 * block, sizeof zero);
  return scale_of_block(row, columns, block) *
         static_cast<double>(std::to_integer<int>(row[static_cast<std::size_t>(column)]) - (zero & 0xff));
}

TEST(RangedQuantizeActivation, GroupsOfABlockAreTheOrdinaryCodes) {
  std::mt19937 random(1);
  const auto values = random_floats(256, random);
  EXPECT_EQ(quantize(values, 256, 32), quantize_by_blocks(values, 256));
}

TEST(RangedQuantizeActivation, AGroupSharesOneScaleThatHoldsAllOfIt) {
  std::mt19937 random(2);
  auto values = random_floats(256, random);
  values[200] = 40;
  for (const std::int64_t group : {0, 64, 128}) {
    const auto row = quantize(values, 256, group);
    const std::int64_t length = group == 0 ? 256 : group;
    for (std::int64_t i = 0; i < 256; ++i) {
      const float scale = scale_of_block(row, 256, i / 32);
      EXPECT_EQ(scale, scale_of_block(row, 256, i / length * length / 32));
      EXPECT_NEAR(decoded(row, 256, i), values[static_cast<std::size_t>(i)], 0.5001f * scale);
    }
    EXPECT_GT(scale_of_block(row, 256, 6), 40.0f / 256);
    EXPECT_EQ(scale_of_block(row, 256, 0) < 10.0f / 256, group != 0);
  }
}

TEST(RangedQuantizeActivation, KnownRangesHoldWhateverTheRowHas) {
  std::vector<float> values(64, 0.5f);
  values[3] = 100;
  values[40] = -100;
  const auto row = quantize(values, 64, 0, {-1, -2, 1, 2});
  EXPECT_EQ(scale_of_block(row, 64, 0),
            scale_of_block(quantize(std::vector<float>(64), 64, 0, {-1, -2, 1, 2}), 64, 0));
  EXPECT_NEAR(decoded(row, 64, 0), 0.5, 0.006);
  EXPECT_NEAR(decoded(row, 64, 3), 1, 0.07);  // the end of the range, zeros being multiples of 16
  EXPECT_NEAR(decoded(row, 64, 40), -2, 0.14);
}

TEST(RangedQuantizeActivation, MarkedColumnsHaveCodesOf16BitsInTheKnownScale) {
  std::vector<float> values(64, 0.5f);
  std::vector<float> marks(64, 0.0f);
  values[3] = 100;
  values[40] = -1e9f;  // more than 16 bits hold
  marks[3] = marks[40] = 1;
  const auto row = quantize(values, 64, 0, {-1, -2, 1, 2}, marks);
  const auto fine = [&](std::int64_t block) {  // the first of the block's two
    std::int16_t code;
    std::memcpy(&code, row.data() + 64 + 4 * (4 * 2 + block), sizeof code);
    return static_cast<double>(scale_of_block(row, 64, block)) * code;
  };
  EXPECT_NEAR(fine(0), 100, 0.5001 * scale_of_block(row, 64, 0));
  EXPECT_EQ(fine(1), -double{kFineSteps} * scale_of_block(row, 64, 1));
  EXPECT_EQ(decoded(row, 64, 3), 0);
  EXPECT_NEAR(decoded(row, 64, 0), 0.5, 0.006);
  EXPECT_EQ(scale_of_block(row, 64, 0), scale_of_block(quantize(values, 64, 0, {-1, -2, 1, 2}), 64, 0));
}

TEST(RangedQuantizeActivation, NanAndInfinityAreNotHidden) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()})
    for (const bool known : {false, true}) {
      std::vector<float> values(64, 0.5f);
      values[37] = bad;
      const auto row =
          quantize(values, 64, 32, known ? std::vector<float>{-1, -1, 1, 1} : std::vector<float>{});
      EXPECT_TRUE(std::isnan(scale_of_block(row, 64, 1)));
      EXPECT_FALSE(std::isnan(scale_of_block(row, 64, 0)));
    }
}

}  // namespace
}  // namespace lathe::test
