#include "passes/before_expected.h"

#include <array>

namespace lathe {
namespace {

TEST(MergeCommonSubexpressions, MergesEqualNodesThroughTheirResults) {
  expect_rewrite(merge_common_subexpressions, R"(graph g {
    %x: f32[T, 64] = input
    %q: q8_0[32, 64] = constant
    %k: q8_0[32, 64] = constant
    %a: a8[T, 64] = QuantizeActivation(%x)
    %b: f32[T, 32] = QuantizedLinear(%a, %q)
    %c: a8[T, 64] = QuantizeActivation(%x)
    %d: f32[T, 32] = QuantizedLinear(%c, %k)
    %e: f32[T, 32] = QuantizedLinear(%c, %q)
    %f: f32[T, 32] = Swish(%e)
    return b = %b, d = %d, e = %e, f = %f
  })",
                 R"(graph g {
    %x: f32[T, 64] = input
    %q: q8_0[32, 64] = constant
    %k: q8_0[32, 64] = constant
    %a: a8[T, 64] = QuantizeActivation(%x)
    %b: f32[T, 32] = QuantizedLinear(%a, %q)
    %d: f32[T, 32] = QuantizedLinear(%a, %k)
    %f: f32[T, 32] = Swish(%b)
    return b = %b, d = %d, e = %b, f = %f
  })");
}

TEST(MergeCommonSubexpressions, MergesNodesWithSeveralOutputs) {
  expect_rewrite(merge_common_subexpressions, R"(graph g {
    %x: f32[S, 64] = input
    %a.0: f32[S, 4], %a.1: i32[S, 4] = TopK(%x) {k = 4}
    %b.0: f32[S, 4], %b.1: i32[S, 4] = TopK(%x) {k = 4}
    %c.0: f32[S, 5], %c.1: i32[S, 5] = TopK(%x) {k = 5}
    return a = %a.0, b = %b.1, c = %c.1
  })",
                 R"(graph g {
    %x: f32[S, 64] = input
    %a.0: f32[S, 4], %a.1: i32[S, 4] = TopK(%x) {k = 4}
    %c.0: f32[S, 5], %c.1: i32[S, 5] = TopK(%x) {k = 5}
    return a = %a.0, b = %a.1, c = %c.1
  })");
}

TEST(MergeCommonSubexpressions, KeepsNodesWithDifferentAttributes) {
  constexpr std::string_view kGraph = R"(graph g {
    %x: f32[T, 64] = input
    %s: f32[64] = constant
    %a: f32[T, 64] = RMSNormalization(%x, %s) {epsilon = 1e-05}
    %b: f32[T, 64] = RMSNormalization(%x, %s) {epsilon = 1e-06}
    return a = %a, b = %b
  })";
  expect_rewrite(merge_common_subexpressions, kGraph, kGraph);
}

TEST(MergeCommonSubexpressions, TurnsCommutativeInputsOnlyWhereTypesAgree) {
  expect_rewrite(merge_common_subexpressions, R"(graph g {
    %x: f32[T, 64] = input
    %y: f32[T, 64] = input
    %a: f32[T, 64] = Add(%x, %y)
    %b: f32[T, 64] = Add(%y, %x)
    %c: f32[T, 64] = Mul(%y, %x)
    return a = %a, b = %b, c = %c
  })",
                 R"(graph g {
    %x: f32[T, 64] = input
    %y: f32[T, 64] = input
    %a: f32[T, 64] = Add(%x, %y)
    %c: f32[T, 64] = Mul(%y, %x)
    return a = %a, b = %a, c = %c
  })");
}

TEST(MergeCommonSubexpressions, KeepsWritesAndReadsOfDifferentVersions) {
  constexpr std::string_view kGraph = R"(graph g {
    %cache: f16[1, P, 2, 1, 512] = state
    %q: f32[T, 1, 8] = input
    %k: f32[T, 1, 8] = input
    %s: i32[Q, 4] = input
    %b: i32[B] = input
    %r0: f32[T, 1, 8] = PagedAttention(%q, %cache, %s, %b) {layer = 0, scale = 1, window = 0, softcap = 0, causal = 1}
    %w1: f16[1, P, 2, 1, 512] = KvWrite(%cache, %k, %k, %s, %b) {layer = 0}
    %r1: f32[T, 1, 8] = PagedAttention(%q, %w1, %s, %b) {layer = 0, scale = 1, window = 0, softcap = 0, causal = 1}
    %w2: f16[1, P, 2, 1, 512] = KvWrite(%w1, %k, %k, %s, %b) {layer = 0}
    %r2: f32[T, 1, 8] = PagedAttention(%q, %w2, %s, %b) {layer = 0, scale = 1, window = 0, softcap = 0, causal = 1}
    return r0 = %r0, r1 = %r1, r2 = %r2
  })";
  expect_rewrite(merge_common_subexpressions, kGraph, kGraph);
}

TEST(MergeCommonSubexpressions, MergesConstantsOverTheSameBytes) {
  static const std::array<float, 64> kShared{};
  static const std::array<float, 64> kEqualElsewhere{};
  const FindConstant find = [](const std::string& name, const ValueType&) {
    const auto& source = name == "c" ? kEqualElsewhere : kShared;
    return std::pair{TensorView{reinterpret_cast<const std::byte*>(source.data()), Dtype::f32, {64}},
                     std::shared_ptr<const void>()};
  };
  expect_rewrite(merge_common_subexpressions, R"(graph g {
    %x: f32[T, 64] = input
    %a: f32[64] = constant
    %b: f32[64] = constant
    %c: f32[64] = constant
    %xa: f32[T, 64] = Mul(%x, %a)
    %xb: f32[T, 64] = Mul(%x, %b)
    %xc: f32[T, 64] = Mul(%x, %c)
    return a = %xa, b = %xb, c = %xc
  })",
                 R"(graph g {
    %x: f32[T, 64] = input
    %a: f32[64] = constant
    %b: f32[64] = constant
    %c: f32[64] = constant
    %xa: f32[T, 64] = Mul(%x, %a)
    %xc: f32[T, 64] = Mul(%x, %c)
    return a = %xa, b = %xa, c = %xc
  })",
                 {}, find);
}

}  // namespace
}  // namespace lathe
