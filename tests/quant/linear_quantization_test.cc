// linear_quantization_test.py holds every scheme against numpy.
#include "quant/linear_quantization.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cmath>
#include <limits>
#include <random>

#include "base/error.h"

namespace lathe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr float kLargest = std::numeric_limits<float>::max();

TEST(LinearQuantization, Symmetric) {
  const std::vector<float> values{-2.0f, 1.0f, 0.5f, 127.0f};
  const LinearQuantized quantized = quantize_linear(values, std::vector<std::int64_t>{4}, {.bits = 8});
  EXPECT_EQ(quantized.scales[0].scale, 1);
  EXPECT_EQ(quantized.scales[0].zero_point, 0);
  EXPECT_THAT(quantized.codes, ElementsAre(-2, 1, 0, 127));  // 0.5: to the even one
  EXPECT_THAT(dequantize_linear(quantized), ElementsAre(-2, 1, 0, 127));
}

TEST(LinearQuantization, Asymmetric) {
  const std::vector<float> values{-1.0f, 0.0f, 2.0f, 14.0f};
  const LinearQuantized quantized =
      quantize_linear(values, std::vector<std::int64_t>{4}, {.bits = 4, .symmetric = false});
  EXPECT_EQ(quantized.scales[0].scale, 1);
  EXPECT_EQ(quantized.scales[0].zero_point, -7);
  EXPECT_THAT(quantized.codes, ElementsAre(-8, -7, -5, 7));
  EXPECT_THAT(dequantize_linear(quantized), ElementsAre(-1, 0, 2, 14));
}

TEST(LinearQuantization, SharesScalesByChannelOfAnyAxis) {
  const std::vector<float> values{7, 70, -7, 14, -7, 7};
  const std::vector<std::int64_t> shape{3, 2};
  const auto scales = [&](int axis) {
    LinearScheme scheme{.bits = 4, .sharing = ScaleSharing::channel, .axis = axis};
    std::vector<float> found;
    for (const LinearScale& scale : quantize_linear(values, shape, scheme).scales)
      found.push_back(scale.scale);
    return found;
  };
  EXPECT_THAT(scales(0), ElementsAre(10, 2, 1));
  EXPECT_THAT(scales(1), ElementsAre(1, 10));
}

TEST(LinearQuantization, GroupsEndWithTheirRow) {
  const std::vector<float> values{7, 0, 14, 21, 0, 28};
  const LinearScheme scheme{.bits = 4, .sharing = ScaleSharing::group, .group = 2};
  const LinearQuantized quantized = quantize_linear(values, std::vector<std::int64_t>{2, 3}, scheme);
  std::vector<float> scales;
  for (const LinearScale& scale : quantized.scales) scales.push_back(scale.scale);
  EXPECT_THAT(scales, ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(dequantize_linear(quantized), values);
}

// Also where float32 is about to run out of range or of digits.
TEST(LinearQuantization, ComesBackWithinHalfAStep) {
  rc::check([](unsigned seed, bool symmetric) {
    std::mt19937 random(seed);
    LinearScheme scheme{.bits = 2 + static_cast<int>(random() % 7), .symmetric = symmetric};
    scheme.sharing = static_cast<ScaleSharing>(random() % 3);
    scheme.axis = static_cast<int>(random() % 2);
    scheme.group = static_cast<std::int64_t>(1 + random() % 9);
    const std::vector<std::int64_t> shape{static_cast<std::int64_t>(1 + random() % 6),
                                          static_cast<std::int64_t>(1 + random() % 20)};
    const int power = static_cast<int>(random() % 277) - 149;
    std::uniform_real_distribution<float> draw(random() % 2 == 0 ? 0.0f : -1.0f, 1.0f);
    std::vector<float> values(static_cast<std::size_t>(shape[0] * shape[1]));
    for (float& value : values) value = std::ldexp(draw(random), power);
    const LinearQuantized quantized = quantize_linear(values, shape, scheme);
    const std::vector<float> back = dequantize_linear(quantized);
    const std::size_t columns = static_cast<std::size_t>(shape[1]);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::size_t row = i / columns, column = i % columns;
      const auto group = static_cast<std::size_t>(scheme.group);
      std::size_t index = 0;
      if (scheme.sharing == ScaleSharing::channel) index = scheme.axis == 0 ? row : column;
      if (scheme.sharing == ScaleSharing::group) index = row * ((columns - 1) / group + 1) + column / group;
      const double scale = quantized.scales[index].scale;
      RC_ASSERT(std::abs(static_cast<double>(back[i]) - values[i]) <= scale * (0.5 + 1e-4) + 1.5e-45);
      if (values[i] == 0) RC_ASSERT(back[i] == 0);
    }
  });
}

TEST(LinearQuantization, OfCodesIsItself) {
  rc::check([](unsigned seed, bool symmetric) {
    std::mt19937 random(seed);
    std::vector<float> values(40);
    for (float& value : values) value = std::uniform_real_distribution<float>(-3.0f, 5.0f)(random);
    const std::vector<std::int64_t> shape{40};
    const LinearScheme scheme{.bits = 5, .symmetric = symmetric};
    const LinearQuantized once = quantize_linear(values, shape, scheme);
    const CodeRange range = code_range(5, symmetric);
    const std::vector<float> back = dequantize_linear(once);
    for (std::size_t i = 0; i < back.size(); ++i)
      RC_ASSERT(linear_code(back[i], once.scales[0], range) == once.codes[i]);
  });
}

TEST(LinearQuantization, HoldsTheLargestFloats) {
  for (const bool symmetric : {false, true})
    for (int bits = 2; bits <= 8; ++bits)
      for (const std::vector<float>& values :
           {std::vector{kLargest, 0.0f}, std::vector{-kLargest, 0.0f}, std::vector{-kLargest, kLargest}}) {
        const LinearScheme scheme{.bits = bits, .symmetric = symmetric};
        const auto back = dequantize_linear(quantize_linear(values, std::vector<std::int64_t>{2}, scheme));
        const float step = kLargest / static_cast<float>((1 << (bits - 1)) - 1);
        EXPECT_TRUE(std::isfinite(back[0]) && std::isfinite(back[1])) << bits;
        EXPECT_LE(std::abs(static_cast<double>(back[0]) - values[0]), step) << bits;
        EXPECT_LE(std::abs(static_cast<double>(back[1]) - values[1]), step) << bits;
      }
}

TEST(LinearQuantization, OfZerosAndOfNothing) {
  for (const bool symmetric : {false, true}) {
    const LinearScheme scheme{.symmetric = symmetric};
    EXPECT_THAT(
        dequantize_linear(quantize_linear(std::vector<float>(3), std::vector<std::int64_t>{3}, scheme)),
        ElementsAre(0, 0, 0));
    for (const auto sharing : {ScaleSharing::tensor, ScaleSharing::channel, ScaleSharing::group}) {
      const LinearScheme none{.symmetric = symmetric, .sharing = sharing, .group = 4};
      const std::vector<std::int64_t> shape{1'000'000'000'000, 0};
      EXPECT_TRUE(quantize_linear({}, shape, none).scales.empty());
    }
  }
}

std::string complaint(const std::vector<float>& values, const std::vector<std::int64_t>& shape,
                      const LinearScheme& scheme) {
  try {
    static_cast<void>(quantize_linear(values, shape, scheme));
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    return error.what();
  }
  return "none";
}

TEST(LinearQuantization, NamesWhatIsWrong) {
  const std::vector<float> values(6, 1.0f);
  EXPECT_THAT(complaint({1, std::nanf("")}, {2}, {}), HasSubstr("value 1 is NaN"));
  EXPECT_THAT(complaint({-INFINITY, 1}, {2}, {}), HasSubstr("value 0 is infinite"));
  EXPECT_THAT(complaint(values, {2, 3}, {.bits = 1}), HasSubstr("2 to 8 bits"));
  EXPECT_THAT(complaint(values, {2, 3}, {.bits = 9}), HasSubstr("2 to 8 bits"));
  EXPECT_THAT(complaint(values, {2, 2}, {}), HasSubstr("4 elements, and there are 6 values"));
  EXPECT_THAT(complaint(values, {-2, -3}, {}), HasSubstr("negative"));
  EXPECT_THAT(complaint(values, {1LL << 40, 1LL << 40}, {}), HasSubstr("more elements than"));
  EXPECT_THAT(complaint(values, {2, 3}, {.sharing = ScaleSharing::channel, .axis = 2}), HasSubstr("axis 2"));
  EXPECT_THAT(complaint(values, {2, 3}, {.sharing = ScaleSharing::group}), HasSubstr("at least one value"));
}

}  // namespace
}  // namespace lathe
