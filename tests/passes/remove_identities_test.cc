#include "passes/before_expected.h"
#include "support/number_constants.h"

namespace lathe {
namespace {

void expect_removed(std::string_view before, std::string_view expected) {
  expect_rewrite(remove_identities, before, expected, {}, test::number_constant);
}

TEST(RemoveIdentities, DropsNeutralOperandsOnEitherSide) {
  expect_removed(R"(graph g {
    %x: f32[T, 4] = input
    %zero: f32[] = constant "0"
    %one: f32[1, 4] = constant "1"
    %a: f32[T, 4] = Swish(%x)
    %b: f32[T, 4] = Add(%zero, %a)
    %c: f32[T, 4] = Mul(%b, %one)
    %d: f32[T, 4] = Div(%c, %one)
    %e: f32[T, 4] = Pow(%d, %one)
    %f: f32[T, 4] = Sub(%e, %zero)
    %g: f32[T, 4] = Identity(%f)
    %y: f32[T, 4] = Tanh(%g)
    return y = %y, g = %g
  })",
                 R"(graph g {
    %x: f32[T, 4] = input
    %zero: f32[] = constant "0"
    %one: f32[1, 4] = constant "1"
    %a: f32[T, 4] = Swish(%x)
    %y: f32[T, 4] = Tanh(%a)
    return y = %y, g = %a
  })");
}

TEST(RemoveIdentities, KeepsWhatChangesNumbersOrShape) {
  constexpr std::string_view kGraph = R"(graph g {
    %x: f32[T, 4] = input
    %zero: f32[] = constant "0"
    %one: f32[2, 1, 1] = constant "1"
    %a: f32[T, 4] = Sub(%zero, %x)
    %b: f32[2, T, 4] = Mul(%a, %one)
    %c: f32[T, 4] = Mul(%a, %zero)
    %d: f32[T, 4] = Pow(%c, %zero)
    %e: f32[2, T, 4] = Div(%one, %b)
    return e = %e, d = %d
  })";
  expect_removed(kGraph, kGraph);
}

TEST(RemoveIdentities, DropsPairsThatCancel) {
  expect_removed(R"(graph g {
    %x: f32[T, 8] = input
    %a: f32[T, 8] = Neg(%x)
    %b: f32[T, 8] = Neg(%a)
    %c: f32[T, 8] = Relu(%b)
    %d: f32[T, 8] = Relu(%c)
    %e: f32[T, 2, 4] = SplitHeads(%d) {heads = 2}
    %f: f32[T, 8] = MergeHeads(%e)
    %g: f32[T, 2, 4] = SplitHeads(%f) {heads = 2}
    %h: f32[T, 2, 4] = Transpose(%g) {perm = "0, 1, 2"}
    %i: f32[T, 2, 4] = Reshape(%h) {shape = "0, 2, -1"}
    %j: f32[T, 2, 4] = Expand(%i) {shape = "2, 1"}
    %k: f32[T, 2, 4] = Clip(%j) {min = -1, max = 1}
    %l: f32[T, 2, 4] = Clip(%k) {min = -2, max = 1}
    return y = %l
  })",
                 R"(graph g {
    %x: f32[T, 8] = input
    %c: f32[T, 8] = Relu(%x)
    %e: f32[T, 2, 4] = SplitHeads(%c) {heads = 2}
    %k: f32[T, 2, 4] = Clip(%e) {min = -1, max = 1}
    return y = %k
  })");
}

TEST(RemoveIdentities, KeepsClipsThatCutMoreAndOtherSplits) {
  constexpr std::string_view kGraph = R"(graph g {
    %x: f32[T, 8] = input
    %a: f32[T, 8] = Clip(%x) {min = -1, max = 1}
    %b: f32[T, 8] = Clip(%a) {min = -0.5, max = 2}
    %c: f32[T, 2, 4] = SplitHeads(%b) {heads = 2}
    %d: f32[T, 8] = MergeHeads(%c)
    %e: f32[T, 4, 2] = SplitHeads(%d) {heads = 4}
    return y = %e
  })";
  expect_removed(kGraph, R"(graph g {
    %x: f32[T, 8] = input
    %a: f32[T, 8] = Clip(%x) {min = -1, max = 1}
    %b: f32[T, 8] = Clip(%a) {min = -0.5, max = 2}
    %e: f32[T, 4, 2] = SplitHeads(%b) {heads = 4}
    return y = %e
  })");
}

TEST(RemoveIdentities, KeepsOutputsThatWouldBeInputsAndCopiesOfStates) {
  constexpr std::string_view kGraph = R"(graph g {
    %x: f32[T, 1, 8] = input
    %cache: f32[1, P, 2, 1, 512] = state
    %s: i32[Q, 4] = input
    %b: i32[B] = input
    %copy: f32[T, 1, 8] = Identity(%x)
    %before: f32[1, P, 2, 1, 512] = Identity(%cache)
    %w: f32[1, P, 2, 1, 512] = KvWrite(%cache, %x, %x, %s, %b) {layer = 0}
    %old: f32[1, P, 2, 1, 512] = Neg(%before)
    return copy = %copy, old = %old
  })";
  expect_removed(kGraph, kGraph);
}

}  // namespace
}  // namespace lathe
