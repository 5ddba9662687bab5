// When a tensor is the one that the ONNX suite expects.
#include "api/onnx_difference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <limits>

namespace lathe {
namespace {

constexpr Tolerance kTolerance{1e-7, 1e-3};

template <class T>
Tensor tensor(const std::string& dtype, const std::vector<T>& values) {
  Tensor result{dtype, {static_cast<std::int64_t>(values.size())}, {}};
  result.bytes.resize(values.size() * sizeof(T));
  if (!values.empty()) std::memcpy(result.bytes.data(), values.data(), result.bytes.size());
  return result;
}

template <class T>
bool near(const std::string& dtype, T actual, T expected) {
  return onnx_difference(tensor<T>(dtype, {actual}), tensor<T>(dtype, {expected}), kTolerance).empty();
}

TEST(OnnxDifference, AllowsTheTolerance) {
  EXPECT_TRUE(near<float>("f32", 1.0009f, 1));
  EXPECT_FALSE(near<float>("f32", 1.0011f, 1));
  EXPECT_TRUE(near<double>("f64", 0.9e-7, 0));
  EXPECT_FALSE(near<double>("f64", 1.1e-7, 0));
}

TEST(OnnxDifference, HoldsNanAndInfinityToThemselves) {
  const float nan = std::numeric_limits<float>::quiet_NaN(),
              infinity = std::numeric_limits<float>::infinity();
  EXPECT_TRUE(near<float>("f32", nan, -nan));
  EXPECT_FALSE(near<float>("f32", nan, 1));
  EXPECT_FALSE(near<float>("f32", 1, nan));
  EXPECT_TRUE(near<float>("f32", infinity, infinity));
  EXPECT_FALSE(near<float>("f32", infinity, -infinity));
  EXPECT_FALSE(near<float>("f32", 3e38f, infinity));
  EXPECT_TRUE(near<std::uint8_t>("f8e4m3fnuz", 0x80, 0x80));
  EXPECT_FALSE(near<std::uint8_t>("f8e4m3fnuz", 0x80, 0));
}

TEST(OnnxDifference, TellsWholeNumbersOfSixtyFourBitsApart) {
  EXPECT_TRUE(onnx_difference(tensor<std::int64_t>("i64", {std::int64_t{1} << 62}),
                              tensor<std::int64_t>("i64", {std::int64_t{1} << 62}), {})
                  .empty());
  EXPECT_FALSE(onnx_difference(tensor<std::int64_t>("i64", {(std::int64_t{1} << 62) + 1}),
                               tensor<std::int64_t>("i64", {std::int64_t{1} << 62}), {})
                   .empty());
  EXPECT_FALSE(near<std::uint8_t>("u8", 100, 101));
  EXPECT_FALSE(near<std::int8_t>("i4", -1, 1));
}

TEST(OnnxDifference, AllowsBf16TwoUnitsInTheLastPlace) {
  EXPECT_TRUE(near<std::uint16_t>("bf16", 0x3f82, 0x3f80));
  EXPECT_FALSE(near<std::uint16_t>("bf16", 0x3f83, 0x3f80));
  EXPECT_FALSE(near<std::uint16_t>("f16", 0x3c08, 0x3c00));
}

TEST(OnnxDifference, WantsTypeAndShape) {
  const Tensor a = tensor<float>("f32", {1, 2});
  Tensor b = a;
  b.shape = {2, 1};
  EXPECT_THAT(onnx_difference(a, b, kTolerance), testing::HasSubstr("is f32[2] and not f32[2, 1]"));
  EXPECT_FALSE(onnx_difference(a, tensor<std::int32_t>("i32", {1, 2}), kTolerance).empty());
  EXPECT_TRUE(onnx_difference(tensor<float>("f32", {}), tensor<float>("f32", {}), kTolerance).empty());
}

TEST(OnnxDifference, SaysWhereTheFirstDifferenceIs) {
  EXPECT_EQ(
      onnx_difference(tensor<float>("f32", {1, 2, 3, 4}), tensor<float>("f32", {1, 5, 3, 6}), kTolerance),
      "differs in 2 of 4 elements, first in 1: 2 and not 5");
}

TEST(OnnxDifference, HoldsTextsToEachOther) {
  Tensor a{"string", {2}, {}};
  a.texts = {"a", "b"};
  Tensor b = a;
  EXPECT_EQ(onnx_difference(a, b, kTolerance), "");
  b.texts[1] = "c";
  EXPECT_EQ(onnx_difference(a, b, kTolerance), "differs first in element 1: \"b\" and not \"c\"");
  b.texts.pop_back();
  EXPECT_THAT(onnx_difference(a, b, kTolerance), testing::HasSubstr("no text"));
  b.shape = {1};
  EXPECT_THAT(onnx_difference(a, b, kTolerance), testing::HasSubstr("string[2] and not string[1]"));
}

}  // namespace
}  // namespace lathe
