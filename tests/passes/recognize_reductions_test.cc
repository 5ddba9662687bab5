#include "passes/before_expected.h"
#include "support/number_constants.h"

namespace lathe {
namespace {

constexpr std::string_view kSources = R"(graph g {
  %x: f32[T, 8] = input
  %half: f32[] = constant "0.5"
  %one: f32[1] = constant "1"
  %two: f32[] = constant "2"
  %three: f32[] = constant "3"
  %root2: f32[] = constant "1.4142135"
  %cubic: f32[] = constant "0.044715"
  %factor: f32[] = constant "0.7978846"
  %epsilon: f32[] = constant "1e-05"
  %scale: f32[8] = constant "random scale"
  %bias: f32[8] = constant "random bias"
)";

void expect_recognized(std::string_view before, std::string_view expected) {
  expect_rewrite(recognize_reductions, std::string(kSources) + std::string(before) + "return y = %y }",
                 std::string(kSources) + std::string(expected) + "return y = %y }", {},
                 test::number_constant);
}

void expect_kept(std::string_view graph) { expect_recognized(graph, graph); }

TEST(RecognizeReductions, GeluWithErf) {
  constexpr std::string_view kGelu = "%y: f32[T, 8] = Gelu(%x) {approximate = 0}";
  constexpr std::string_view kErf = R"(
    %a: f32[T, 8] = Div(%x, %root2)
    %b: f32[T, 8] = Erf(%a)
    %c: f32[T, 8] = Add(%b, %one)
  )";
  expect_recognized(std::string(kErf) + R"(
    %d: f32[T, 8] = Mul(%x, %c)
    %y: f32[T, 8] = Mul(%d, %half)
  )",
                    kGelu);
  expect_recognized(std::string(kErf) + R"(
    %d: f32[T, 8] = Mul(%half, %x)
    %y: f32[T, 8] = Mul(%d, %c)
  )",
                    kGelu);
  expect_recognized(std::string(kErf) + R"(
    %d: f32[T, 8] = Div(%c, %two)
    %y: f32[T, 8] = Mul(%d, %x)
  )",
                    kGelu);
}

TEST(RecognizeReductions, GeluWithTanh) {
  expect_recognized(R"(
    %a: f32[T, 8] = Pow(%x, %three)
    %b: f32[T, 8] = Mul(%cubic, %a)
    %c: f32[T, 8] = Add(%x, %b)
    %d: f32[T, 8] = Mul(%c, %factor)
    %e: f32[T, 8] = Tanh(%d)
    %f: f32[T, 8] = Add(%e, %one)
    %g: f32[T, 8] = Mul(%x, %half)
    %y: f32[T, 8] = Mul(%g, %f)
  )",
                    "%y: f32[T, 8] = Gelu(%x) {approximate = 1}");
  expect_recognized(R"(
    %a: f32[T, 8] = Mul(%x, %x)
    %b: f32[T, 8] = Mul(%a, %x)
    %c: f32[T, 8] = Mul(%b, %cubic)
    %d: f32[T, 8] = Add(%c, %x)
    %e: f32[T, 8] = Mul(%factor, %d)
    %f: f32[T, 8] = Tanh(%e)
    %g: f32[T, 8] = Add(%one, %f)
    %h: f32[T, 8] = Mul(%x, %g)
    %y: f32[T, 8] = Mul(%half, %h)
  )",
                    "%y: f32[T, 8] = Gelu(%x) {approximate = 1}");
}

TEST(RecognizeReductions, NoGeluWithOtherNumbersOrInputs) {
  expect_kept(R"(
    %a: f32[T, 8] = Div(%x, %two)
    %b: f32[T, 8] = Erf(%a)
    %c: f32[T, 8] = Add(%b, %one)
    %d: f32[T, 8] = Mul(%x, %c)
    %y: f32[T, 8] = Mul(%d, %half)
  )");
  expect_kept(R"(
    %z: f32[T, 8] = Neg(%x)
    %a: f32[T, 8] = Div(%x, %root2)
    %b: f32[T, 8] = Erf(%a)
    %c: f32[T, 8] = Add(%b, %one)
    %d: f32[T, 8] = Mul(%z, %c)
    %y: f32[T, 8] = Mul(%d, %half)
  )");
}

TEST(RecognizeReductions, Swish) {
  expect_recognized("%a: f32[T, 8] = Sigmoid(%x) %y: f32[T, 8] = Mul(%a, %x)", "%y: f32[T, 8] = Swish(%x)");
  expect_kept("%a: f32[T, 8] = Sigmoid(%x) %b: f32[T, 8] = Mul(%a, %x) %y: f32[T, 8] = Sub(%b, %a)");
}

TEST(RecognizeReductions, RmsNormalization) {
  constexpr std::string_view kMean = R"(
    %a: f32[T, 8] = Pow(%x, %two)
    %b: f32[T, 1] = ReduceMean(%a) {axes = "-1"}
    %c: f32[T, 1] = Add(%b, %epsilon)
    %d: f32[T, 1] = Sqrt(%c)
  )";
  constexpr std::string_view kNormalized =
      "%y: f32[T, 8] = RMSNormalization(%x, %scale) {epsilon = 9.999999747378752e-06}";
  expect_recognized(std::string(kMean) + "%e: f32[T, 8] = Div(%x, %d) %y: f32[T, 8] = Mul(%e, %scale)",
                    kNormalized);
  expect_recognized(std::string(kMean) + R"(
    %e: f32[T, 1] = Div(%one, %d)
    %f: f32[T, 8] = Mul(%x, %e)
    %y: f32[T, 8] = Mul(%scale, %f)
  )",
                    kNormalized);
  expect_recognized(std::string(kMean) + R"(
    %e: f32[T, 1] = Reciprocal(%d)
    %f: f32[T, 8] = Mul(%e, %x)
    %y: f32[T, 8] = Mul(%f, %scale)
  )",
                    kNormalized);
  // Another axis, and a scale that is no row.
  expect_kept(R"(
    %a: f32[T, 8] = Mul(%x, %x)
    %b: f32[1, 8] = ReduceMean(%a) {axes = "0"}
    %c: f32[1, 8] = Add(%b, %epsilon)
    %d: f32[1, 8] = Sqrt(%c)
    %e: f32[T, 8] = Div(%x, %d)
    %y: f32[T, 8] = Mul(%e, %scale)
  )");
  expect_kept(std::string(kMean) + "%e: f32[T, 8] = Div(%x, %d) %y: f32[T, 8] = Mul(%e, %x)");
}

TEST(RecognizeReductions, LayerNormalization) {
  constexpr std::string_view kShared = R"(
    %m: f32[T, 1] = ReduceMean(%x) {axes = "1"}
    %a: f32[T, 8] = Sub(%x, %m)
    %b: f32[T, 8] = Pow(%a, %two)
    %c: f32[T, 1] = ReduceMean(%b) {axes = "1"}
    %d: f32[T, 1] = Add(%c, %epsilon)
    %e: f32[T, 1] = Sqrt(%d)
  )";
  const std::string written = std::string(kShared) + "%f: f32[T, 8] = Div(%a, %e)";
  // Sub twice, as older exporters write it.
  const std::string twice =
      std::string(kShared) + "%a2: f32[T, 8] = Sub(%x, %m) %f: f32[T, 8] = Div(%a2, %e)";
  for (const auto& graph : {written, twice}) {
    expect_recognized(
        graph + "%g: f32[T, 8] = Mul(%f, %scale) %y: f32[T, 8] = Add(%g, %bias)",
        "%y: f32[T, 8] = LayerNormalization(%x, %scale, %bias) {epsilon = 9.999999747378752e-06}");
    expect_recognized(graph + "%y: f32[T, 8] = Mul(%scale, %f)",
                      "%y: f32[T, 8] = LayerNormalization(%x, %scale) {epsilon = 9.999999747378752e-06}");
  }
  // The deviation is wanted elsewhere.
  expect_kept(written + "%g: f32[T, 8] = Mul(%f, %bias) %y: f32[T, 8] = Sub(%g, %e)");
}

TEST(RecognizeReductions, NormsAndLogarithmsOfSums) {
  expect_recognized("%a: f32[T, 8] = Abs(%x) %y: f32[T] = ReduceSum(%a) {axes = \"1\", keepdims = 0}",
                    "%y: f32[T] = ReduceL1(%x) {axes = \"1\", keepdims = 0}");
  expect_recognized("%a: f32[T, 8] = Mul(%x, %x) %y: f32[1, 1] = ReduceSum(%a)",
                    "%y: f32[1, 1] = ReduceSumSquare(%x)");
  expect_recognized(
      "%a: f32[T, 8] = Pow(%x, %two) %b: f32[T, 1] = ReduceSum(%a) {axes = \"-1\"} "
      "%y: f32[T, 1] = Sqrt(%b)",
      "%y: f32[T, 1] = ReduceL2(%x) {axes = \"-1\"}");
  expect_recognized("%a: f32[8] = ReduceSum(%x) {axes = \"0\", keepdims = 0} %y: f32[8] = Log(%a)",
                    "%y: f32[8] = ReduceLogSum(%x) {axes = \"0\", keepdims = 0}");
  expect_recognized(
      "%a: f32[T, 8] = Exp(%x) %b: f32[T, 1] = ReduceSum(%a) {axes = \"1\"} %y: f32[T, 1] = Log(%b)",
      "%y: f32[T, 1] = ReduceLogSumExp(%x) {axes = \"1\"}");
  expect_recognized(
      "%a: f32[T, 8] = Exp(%x) %b: f32[T] = ReduceSum(%a) {axes = \"1\", keepdims = 0} "
      "%y: f32[T] = Log(%b)",
      "%y: f32[T] = LogSumExp(%x)");
  expect_recognized("%a: f32[T, 8] = Softmax(%x) {axis = 0} %y: f32[T, 8] = Log(%a)",
                    "%y: f32[T, 8] = LogSoftmax(%x) {axis = 0}");
  expect_recognized(
      "%a: f32[T, 1] = ReduceL2(%x) {axes = \"1\"} %b: f32[T, 1] = Clip(%a) {min = 1e-12} "
      "%y: f32[T, 8] = Div(%x, %b)",
      "%y: f32[T, 8] = LpNormalization(%x)");
  expect_kept(
      "%a: f32[T, 1] = ReduceL2(%x) {axes = \"1\"} %b: f32[T, 1] = Clip(%a) {min = 0.001} "
      "%y: f32[T, 8] = Div(%x, %b)");
}

}  // namespace
}  // namespace lathe
