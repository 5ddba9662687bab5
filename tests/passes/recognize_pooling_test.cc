#include "passes/before_expected.h"

namespace lathe {
namespace {

TEST(RecognizePooling, TakesMeansOverAllSpatialAxes) {
  expect_rewrite(recognize_pooling, R"(graph g {
    %x: f32[N, 3, 9, 7] = input
    %a: f32[N, 3, 1, 1] = ReduceMean(%x) {axes = "2,3"}
    %b: f32[N, 3] = ReduceMean(%x) {axes = "-1,-2", keepdims = 0}
    return a = %a, b = %b
  })",
                 R"(graph g {
    %x: f32[N, 3, 9, 7] = input
    %a: f32[N, 3, 1, 1] = GlobalAveragePool(%x)
    %p: f32[N, 3, 1, 1] = GlobalAveragePool(%x)
    %b: f32[N, 3] = Reshape(%p) {shape = "N, 3"}
    return a = %a, b = %b
  })");
}

TEST(RecognizePooling, KeepsOtherAxesAndMatrices) {
  constexpr std::string_view kGraph = R"(graph g {
    %x: f32[1, 3, 9, 7] = input
    %m: f32[1, T, 8] = input
    %a: f32[1, 3, 9, 1] = ReduceMean(%x) {axes = "3"}
    %b: f32[1, 1, 1, 7] = ReduceMean(%x) {axes = "1,2"}
    %c: f32[1, 1, 1, 1] = ReduceMean(%x)
    %d: f32[1, T, 1] = ReduceMean(%m) {axes = "2"}
    %e: f32[1, 3, 1, 1] = ReduceSum(%x) {axes = "2,3"}
    return a = %a, b = %b, c = %c, d = %d, e = %e
  })";
  expect_rewrite(recognize_pooling, kGraph, kGraph);
}

}  // namespace
}  // namespace lathe
