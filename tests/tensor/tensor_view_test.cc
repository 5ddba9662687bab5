#include "tensor/tensor_view.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/error.h"

namespace lathe {
namespace {

constexpr auto kMax = std::numeric_limits<std::int64_t>::max();

template <class Action>
void expect_refused(const Action& action) {
  try {
    action();
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
  }
}

TEST(TensorView, CountsElements) {
  EXPECT_EQ(element_count({}), 1);
  EXPECT_EQ(element_count({7}), 7);
  EXPECT_EQ(element_count({2, 3, 4}), 24);
  EXPECT_EQ(element_count({2, 0, 4}), 0);
  EXPECT_EQ(element_count({kMax}), kMax);
  EXPECT_EQ(element_count({std::int64_t{1} << 31, std::int64_t{1} << 31}), std::int64_t{1} << 62);
}

TEST(TensorView, RefusesShapesThatWrap) {
  expect_refused([] { element_count({-1}); });
  expect_refused([] { element_count({-2, -3}); });
  expect_refused([] { element_count({0, -1}); });
  expect_refused([] { element_count({std::int64_t{1} << 32, std::int64_t{1} << 32}); });  // wraps to 0
  expect_refused([] {
    element_count({std::int64_t{1} << 21, std::int64_t{1} << 21, std::int64_t{1} << 22});
  });
  expect_refused([] { element_count({kMax, 2}); });
  expect_refused([] { element_count({std::int64_t{1} << 62, 2}); });  // fits 64 bits without a sign alone
}

TEST(TensorView, CountsBytes) {
  EXPECT_EQ(dense_bytes(Dtype::f32, {}), 4u);
  EXPECT_EQ(dense_bytes(Dtype::f16, {3, 5}), 30u);
  EXPECT_EQ(dense_bytes(Dtype::q8_0, {49152, 576}), 49152u * 576 / 32 * 34);
  EXPECT_EQ(dense_bytes(Dtype::q6_k, {2, 0}), 0u);
  EXPECT_EQ(dense_bytes(Dtype::q4_k, {0, 256}), 0u);
}

TEST(TensorView, RefusesBytesThatDoNotFit) {
  expect_refused([] { dense_bytes(Dtype::i64, {std::int64_t{1} << 61}); });
  expect_refused([] { dense_bytes(Dtype::f32, {std::int64_t{1} << 31, std::int64_t{1} << 31}); });
  expect_refused([] { dense_bytes(Dtype::q4_0, {4, 33}); });
  expect_refused([] { dense_bytes(Dtype::q4_0, {}); });
  expect_refused([] { dense_bytes(Dtype::f32, {-1, 4}); });
  expect_refused([] { dense_bytes(Dtype::f32, {4, -1}); });
  expect_refused([] { dense_bytes(Dtype::packed8, {16, 32}); });
}

TEST(TensorView, HasRowsAndColumns) {
  const TensorView matrix{nullptr, Dtype::f32, {2, 3, 4}};
  EXPECT_EQ(matrix.rows(), 6);
  EXPECT_EQ(matrix.columns(), 4);
  EXPECT_EQ(matrix.bytes(), 96u);
  const TensorView scalar{nullptr, Dtype::f16, {}};
  EXPECT_EQ(scalar.rows(), 1);
  EXPECT_EQ(scalar.columns(), 1);
  EXPECT_EQ(scalar.bytes(), 2u);
}

}  // namespace
}  // namespace lathe
