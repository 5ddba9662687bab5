#include "passes/before_expected.h"
#include "support/number_constants.h"

namespace lathe {
namespace {

TEST(MatmulToLinear, TransposesConstantsAndSeesRows) {
  expect_rewrite(matmul_to_linear, R"(graph g {
    %x: f32[1, T, 8] = input
    %w: f32[8, 4] = constant "random w"
    %u: f32[4, 2] = constant "random u"
    %a: f32[1, T, 4] = MatMul(%x, %w)
    %b: f32[T, 4] = Reshape(%a) {shape = "T, 4"}
    %y: f32[T, 2] = MatMul(%b, %u)
    return y = %y
  })",
                 R"(graph g {
    %x: f32[1, T, 8] = input
    %w: f32[8, 4] = constant "random w"
    %u: f32[4, 2] = constant "random u"
    %wt: f32[4, 8] = constant "random w.transposed"
    %ut: f32[2, 4] = constant "random u.transposed"
    %r: f32[T, 8] = Reshape(%x) {shape = "-1, 8"}
    %l: f32[T, 4] = Linear(%r, %wt)
    %a: f32[1, T, 4] = Reshape(%l) {shape = "1, T, 4"}
    %b: f32[T, 4] = Reshape(%a) {shape = "T, 4"}
    %y: f32[T, 2] = Linear(%b, %ut)
    return y = %y
  })",
                 {}, test::number_constant);
}

TEST(MatmulToLinear, ReadsGemmAsItLiesOrTransposed) {
  expect_rewrite(matmul_to_linear, R"(graph g {
    %x: f32[1, 8] = input
    %w: f32[4, 8] = constant "random w"
    %u: f32[4, 2] = constant "random u"
    %c: f32[4] = input
    %a: f32[1, 4] = Gemm(%x, %w, %c) {transB = 1}
    %b: f32[1, 2] = Gemm(%a, %u)
    %y: f32[1, 2] = Gemm(%a, %u) {alpha = 2.0}
    return b = %b, y = %y
  })",
                 R"(graph g {
    %x: f32[1, 8] = input
    %w: f32[4, 8] = constant "random w"
    %u: f32[4, 2] = constant "random u"
    %c: f32[4] = input
    %ut: f32[2, 4] = constant "random u.transposed"
    %l: f32[1, 4] = Linear(%x, %w)
    %a: f32[1, 4] = Add(%l, %c)
    %b: f32[1, 2] = Linear(%a, %ut)
    %y: f32[1, 2] = Gemm(%a, %u) {alpha = 2.0}
    return b = %b, y = %y
  })",
                 {}, test::number_constant);
}

TEST(MatmulToLinear, SeesRowsOfTwoSymbols) {
  expect_rewrite(matmul_to_linear, R"(graph g {
    %x: f32[B, T, 8] = input
    %w: f32[8, 4] = constant "random w"
    %a: f32[B, T, 4] = MatMul(%x, %w)
    return a = %a
  })",
                 R"graph(graph g {
    %x: f32[B, T, 8] = input
    %w: f32[8, 4] = constant "random w"
    %wt: f32[4, 8] = constant "random w.transposed"
    %r: f32["(B*T)", 8] = Reshape(%x) {shape = "-1, 8"}
    %l: f32["(B*T)", 4] = Linear(%r, %wt)
    %a: f32[B, T, 4] = Reshape(%l) {shape = "B, T, 4"}
    return a = %a
  })graph",
                 {}, test::number_constant);
}

TEST(MatmulToLinear, KeepsComputedOperandsAndBatchesOfWeights) {
  constexpr std::string_view kGraph = R"(graph g {
    %x: f32[B, T, 8] = input
    %c: f32[8] = input
    %batch: f32[1, 8, 4] = constant "random batch"
    %b: f32[B, T, 4] = MatMul(%x, %batch)
    %d: f32[B, T] = MatMul(%x, %c)
    return b = %b, d = %d
  })";
  expect_rewrite(matmul_to_linear, kGraph, kGraph, {}, test::number_constant);
}

}  // namespace
}  // namespace lathe
