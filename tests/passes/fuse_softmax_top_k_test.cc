#include "passes/before_expected.h"
#include "support/code_constants.h"

namespace lathe {
namespace {

/// Sizes, named after what they hold.
std::pair<TensorView, std::shared_ptr<const void>> sizes(const std::string& name, const ValueType& type) {
  return test::code_constant(name, type);
}

void expect(std::string_view before, std::string_view expected) {
  expect_rewrite(fuse_softmax_top_k, before, expected, {}, sizes, sizes);
}

TEST(FuseSoftmaxTopK, TakesTheGreatestOfASoftmax) {
  expect(R"(graph g {
    %x: f32[T, 64] = input
    %k: i64[1] = constant "2"
    %p: f32[T, 64] = Softmax(%x)
    %v: f32[T, 2], %i: i64[T, 2] = TopKAny(%p, %k) {axis = 1, largest = 1, sorted = 1}
    return v = %v, i = %i
  })",
         R"(graph g {
    %x: f32[T, 64] = input
    %k: i64[1] = constant "2"
    %v: f32[T, 2], %i: i64[T, 2] = SoftmaxTopK(%x) {axis = 1, k = 2, largest = 1, log = 0}
    return v = %v, i = %i
  })");
}

TEST(FuseSoftmaxTopK, TakesTheLeastOfALogSoftmaxAlongAnyAxis) {
  expect(R"(graph g {
    %x: f32[N, 10, 3] = input
    %k: i64[1] = constant "4"
    %p: f32[N, 10, 3] = LogSoftmax(%x) {axis = 1}
    %v: f32[N, 4, 3], %i: i64[N, 4, 3] = TopKAny(%p, %k) {axis = -2, largest = 0, sorted = 1}
    return i = %i
  })",
         R"(graph g {
    %x: f32[N, 10, 3] = input
    %k: i64[1] = constant "4"
    %v: f32[N, 4, 3], %i: i64[N, 4, 3] = SoftmaxTopK(%x) {axis = 1, k = 4, largest = 0, log = 1}
    return i = %i
  })");
}

TEST(FuseSoftmaxTopK, LeavesASoftmaxThatOthersReadAndOtherAxesAndLengths) {
  constexpr std::string_view kGraph = R"(graph g {
    %x: f32[T, 64] = input
    %y: f32[4, N] = input
    %k: i64[1] = constant "2"
    %returned: f32[T, 64] = Softmax(%x)
    %a: f32[T, 2], %b: i64[T, 2] = TopKAny(%returned, %k) {axis = 1, largest = 1, sorted = 1}
    %columns: f32[T, 64] = Softmax(%x) {axis = 0}
    %c: f32[T, 2], %d: i64[T, 2] = TopKAny(%columns, %k) {axis = 1, largest = 1, sorted = 1}
    %shared: f32[T, 64] = Softmax(%x)
    %e: f32[T, 2], %f: i64[T, 2] = TopKAny(%shared, %k) {axis = 1, largest = 1, sorted = 1}
    %g: f32[T, 64] = Tanh(%shared)
    %open: f32[4, N] = Softmax(%y)
    %h: f32[4, "?"], %i: i64[4, "?"] = TopKAny(%open, %k) {axis = 1, largest = 1, sorted = 1}
    return p = %returned, b = %b, d = %d, f = %f, g = %g, i = %i
  })";
  expect(kGraph, kGraph);
}

}  // namespace
}  // namespace lathe
