// Dimensions that follow from others: how they are written, and that arithmetic on them is arithmetic on the
// numbers that the symbols may be.
#include "graph/dim_expression.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace lathe {
namespace {

const Dim N("N");
const Dim T("T");

std::int64_t floor_of(std::int64_t a, std::int64_t b) {
  return a / b - ((a % b != 0 && (a < 0) != (b < 0)) ? 1 : 0);
}

TEST(DimExpression, AreWrittenInOneWay) {
  EXPECT_EQ(to_string(product_of(N, T)), "\"(N*T)\"");
  EXPECT_EQ(product_of(T, N), product_of(N, T));
  EXPECT_EQ(sum_of(product_of(2, N), sum_of(T, -1)).symbol, "(2*N+T-1)");
  EXPECT_EQ(difference_of(0, N).symbol, "(-N)");
  EXPECT_EQ(quotient_of(sum_of(N, 1), 2).symbol, "((N+1)/2)");
  EXPECT_EQ(product_of(3, quotient_of(N, 2)).symbol, "(3*(N/2))");
  EXPECT_EQ(product_of(Dim("past length"), 2).symbol, "(2*\"past length\")");
  EXPECT_EQ(quotient_of(product_of(Dim("past length"), 2), 2), Dim("past length"));
}

TEST(DimExpression, WhatCancelsIsGone) {
  EXPECT_EQ(difference_of(sum_of(N, T), T), N);
  EXPECT_EQ(difference_of(N, N), Dim(0));
  EXPECT_EQ(quotient_of(product_of(product_of(12, N), 64), 768), N);
  EXPECT_EQ(quotient_of(sum_of(product_of(4, N), 3), 4), N);
  EXPECT_EQ(quotient_of(sum_of(product_of(4, N), 6), 8).symbol, "((N+1)/2)");
  EXPECT_EQ(exact_quotient_of(product_of(N, product_of(T, 6)), product_of(2, T)), product_of(3, N));
  EXPECT_EQ(exact_quotient_of(N, T), std::nullopt);
  EXPECT_EQ(exact_quotient_of(N, 2), std::nullopt);
  EXPECT_EQ(exact_quotient_of(N, 0), std::nullopt);
}

TEST(DimExpression, UnknownStaysUnknown) {
  EXPECT_TRUE(sum_of(Dim::unknown(), 1).is_unknown());
  EXPECT_TRUE(product_of(N, Dim::unknown()).is_unknown());
  EXPECT_TRUE(quotient_of(N, T).is_unknown());
  EXPECT_TRUE(quotient_of(N, 0).is_unknown());
  EXPECT_EQ(number_of(Dim::unknown(), nullptr), std::nullopt);
  Dim grown = N;
  for (int i = 0; i < 12; ++i) grown = product_of(grown, std::int64_t{1} << 16);
  EXPECT_TRUE(grown.is_unknown()) << "its factor is beyond 2^62";
  Dim many = 0;
  for (int i = 0; i < 40; ++i) many = sum_of(many, Dim("s" + std::to_string(i)));
  EXPECT_TRUE(many.is_unknown()) << "more terms than are kept";
}

TEST(DimExpression, NamesThatAreNoneAreRefused) {
  for (const auto* name :
       {"(", "()", "(N", "(N*)", "(N)", "(N+1/2)", "(1*N)", "(T*N)", "(N/0)", "(N/1)", "(2)", "(N*T) ",
        "(N+1)x", "((N))", "(N+-1)", "(\"a)", "((((((((((((((((((N+1))))))))))))))))))"})
    EXPECT_NE(expression_problem(name), "") << name;
  for (const auto* name : {"(N*T)", "(N+1)", "(-N)", "((N+1)/2)", "(3*(N/2)+1)", "(2*\"a b\")"})
    EXPECT_EQ(expression_problem(name), "") << name;
  EXPECT_THAT(type_problem({Dtype::f32, {"(T*N)"}}), testing::HasSubstr("(N*T)"));
}

TEST(DimExpression, OrderFollowsFromRanges) {
  SymbolRanges ranges;
  ranges.set("N", {1, 8});
  ranges.set("T", {1, 512});
  EXPECT_EQ(at_most(T, 512, ranges), true);
  EXPECT_EQ(at_most(T, 511, ranges), std::nullopt);
  EXPECT_EQ(at_most(513, T, ranges), false);
  EXPECT_EQ(lesser_of(T, 512, ranges), T);
  EXPECT_EQ(greater_of(sum_of(N, -1), 0, ranges), sum_of(N, -1));
  EXPECT_EQ(greater_of(sum_of(N, -2), 0, ranges), std::nullopt);
  EXPECT_EQ(are_equal(N, -1, ranges), false);
  EXPECT_EQ(are_equal(N, N, ranges), true);
  EXPECT_EQ(are_equal(N, T, ranges), std::nullopt);
  EXPECT_EQ(range_of(product_of(N, T), ranges).most, 4096);
  EXPECT_EQ(range_of(quotient_of(sum_of(T, 1), 2), ranges).most, 256);
  EXPECT_EQ(range_of(difference_of(N, T), ranges).least, -511);
  EXPECT_THAT(symbols_of(quotient_of(sum_of(product_of(N, T), 1), 3)), testing::ElementsAre("N", "T"));
}

/// A random expression and what it is for the numbers n and t.
struct Sample {
  Dim dim;
  std::int64_t number = 0;
};

Sample sample(int depth, std::int64_t n, std::int64_t t) {
  const int kind = *rc::gen::inRange(0, depth == 0 ? 3 : 7);
  const std::int64_t constant = *rc::gen::inRange(-5, 6);
  if (kind == 0) return {N, n};
  if (kind == 1) return {T, t};
  if (kind == 2) return {constant, constant};
  const Sample a = sample(depth - 1, n, t);
  if (kind == 3) {
    const std::int64_t divisor = *rc::gen::inRange(1, 7);
    return {quotient_of(a.dim, divisor), floor_of(a.number, divisor)};
  }
  const Sample b = sample(depth - 1, n, t);
  if (kind == 4) return {sum_of(a.dim, b.dim), a.number + b.number};
  if (kind == 5) return {difference_of(a.dim, b.dim), a.number - b.number};
  return {product_of(a.dim, b.dim), a.number * b.number};
}

RC_GTEST_PROP(DimExpressionProperty, IsArithmetic, ()) {
  const std::int64_t n = *rc::gen::inRange(1, 9);
  const std::int64_t t = *rc::gen::inRange(1, 40);
  const Sample found = sample(4, n, t);
  RC_PRE(!found.dim.is_unknown());
  const auto number = [&](const std::string& symbol) { return std::optional(symbol == "N" ? n : t); };
  RC_ASSERT(number_of(found.dim, number) == std::optional(found.number));
  if (is_expression(found.dim.symbol)) RC_ASSERT(expression_problem(found.dim.symbol).empty());
  SymbolRanges ranges;
  ranges.set("N", {1, 8});
  ranges.set("T", {1, 39});
  const DimRange range = range_of(found.dim, ranges);
  RC_ASSERT(range.least <= found.number);
  RC_ASSERT(range.most >= found.number);
  const auto with = [](const std::string& symbol) { return symbol == "N" ? T : N; };
  RC_ASSERT(substituted(substituted(found.dim, with), with) == found.dim);
}

}  // namespace
}  // namespace lathe
