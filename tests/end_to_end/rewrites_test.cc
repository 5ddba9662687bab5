// Each rewriting pass keeps what a graph computes: the same graph compiled with the pass and without it, on
// random inputs, bit for bit where the pass promises that and within its bound elsewhere.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "compile/compile.h"
#include "cpu/backend.h"
#include "support/code_constants.h"

namespace lathe {
namespace {

constexpr std::int64_t kTokens = 70;  // more than a chunk of attention

struct Computed {
  std::vector<float> values;
  bool changed = false;  // by the pass
};

/// Floats and masks by their names, and lists of sizes.
std::pair<TensorView, std::shared_ptr<const void>> constant(const std::string& name, const ValueType& type) {
  static constexpr std::byte kNothing{};
  if (type.dtype == Dtype::none) return {{&kNothing, type.dtype, {0}}, nullptr};
  return type.dtype == Dtype::i64 ? test::code_constant(name, type) : test::number_constant(name, type);
}

/// Output "y" of the graph, compiled without the recognizing passes but, where asked for, this one.
Computed compute(std::string_view text, std::string_view pass, bool with_pass) {
  const auto backend = make_cpu_backend(2);
  CompileOptions options;
  options.limits = {{"T", kTokens}};
  for (const std::string_view name :
       {"remove_identities", "recognize_reductions", "recognize_attention", "matmul_to_linear",
        "merge_shuffles", "fuse_conv_epilogues", "winograd_convolutions", "fold_pads", "recognize_pooling",
        "scale_with_convolutions", "transposed_convolutions", "fuse_pointwise", "fuse_softmax_top_k",
        "fuse_conv_pooling"})
    if (name != pass || !with_pass) options.disabled_passes.emplace_back(name);
  const auto result = compile(parse_graph(text, constant), *backend, options);
  Computed computed;
  for (const auto& report : result.passes)
    if (report.name == pass) computed.changed = report.changed;

  const auto context = backend->create_context(result.plan);
  std::vector<Buffer> inputs;
  for (std::size_t i = 0; i < result.plan->bindings.size(); ++i) {
    const auto& tensor = result.plan->tensors[static_cast<std::size_t>(result.plan->bindings[i])];
    std::mt19937 random(static_cast<std::uint32_t>(i));
    std::normal_distribution<float> normal;
    std::vector<float> values(tensor.max_bytes / sizeof(float));
    for (auto& value : values) value = normal(random);
    values[values.size() / 2] = -0.0f;
    inputs.push_back(backend->allocate(tensor.max_bytes));
    backend->write(inputs.back(), 0, std::as_bytes(std::span(values)));
    context->bind(static_cast<int>(i), inputs.back(), 0);
  }
  context->run(std::vector<std::int64_t>(result.plan->symbols.size(), kTokens), 1);
  const auto& output = result.plan->tensors[static_cast<std::size_t>(result.plan->outputs[0].tensor)];
  computed.values.resize(output.max_bytes / sizeof(float));
  context->read_output(0, std::as_writable_bytes(std::span(computed.values)));
  return computed;
}

void expect_kept(std::string_view pass, std::string_view text, double relative, double absolute) {
  const Computed before = compute(text, pass, false);
  const Computed after = compute(text, pass, true);
  EXPECT_FALSE(before.changed);
  EXPECT_TRUE(after.changed) << pass;
  ASSERT_EQ(before.values.size(), after.values.size());
  ASSERT_FALSE(before.values.empty());
  for (std::size_t i = 0; i < before.values.size(); ++i) {
    ASSERT_TRUE(std::isfinite(before.values[i]));
    ASSERT_NEAR(after.values[i], before.values[i], relative * std::abs(before.values[i]) + absolute) << i;
  }
}

TEST(Rewrites, IdentitiesAreBitEqualButForTheSignOfZero) {
  expect_kept("remove_identities", R"(graph g {
    %x: f32[T, 8] = input
    %zero: f32[] = constant "0"
    %one: f32[1, 8] = constant "1"
    %a: f32[T, 8] = Add(%zero, %x)
    %b: f32[T, 8] = Mul(%a, %one)
    %c: f32[T, 8] = Div(%b, %one)
    %d: f32[T, 8] = Pow(%c, %one)
    %e: f32[T, 8] = Sub(%d, %zero)
    %f: f32[T, 8] = Identity(%e)
    %g: f32[T, 8] = Neg(%f)
    %h: f32[T, 8] = Neg(%g)
    %i: f32[T, 8] = Clip(%h) {min = -1, max = 1}
    %j: f32[T, 8] = Clip(%i) {min = -2}
    %k: f32[T, 2, 4] = SplitHeads(%j) {heads = 2}
    %l: f32[T, 8] = MergeHeads(%k)
    %m: f32[T, 8] = Expand(%l) {shape = "8"}
    %n: f32[T, 8] = Transpose(%m) {perm = "0, 1"}
    %y: f32[T, 8] = Exp(%n)
    return y = %y
  })",
              0, 0);
}

TEST(Rewrites, PointwiseChainsAreBitEqual) {
  expect_kept("fuse_pointwise", R"(graph g {
    %x: f32[2, 3, T, 31] = input
    %z: f32[2, 3, T, 31] = input
    %row: f32[31] = constant "random row"
    %half: f32[] = constant "0.5"
    %two: f32[1, 1] = constant "2"
    %a: f32[2, 3, T, 31] = Sub(%x, %z)
    %b: f32[2, 3, T, 31] = LeakyRelu(%a) {alpha = 0.25}
    %c: f32[2, 3, T, 31] = Pow(%b, %two)
    %d: f32[2, 3, T, 31] = Add(%half, %c)
    %e: f32[2, 3, T, 31] = Sqrt(%d)
    %f: f32[2, 3, T, 31] = Div(%x, %e)
    %g: f32[2, 3, T, 31] = Clip(%f) {min = -1, max = 6}
    %h: f32[2, 3, T, 31] = Max(%g, %row)
    %i: f32[2, 3, T, 31] = HardSwish(%h)
    %y: f32[2, 3, T, 31] = Relu(%i)
    return y = %y
  })",
              0, 0);
}

TEST(Rewrites, TheGreatestOfASoftmaxAreBitEqual) {
  for (const std::string_view op : {"Softmax", "LogSoftmax"})
    expect_kept("fuse_softmax_top_k",
                "graph g { %x: f32[T, 1000] = input %k: i64[1] = constant \"5\" %p: f32[T, 1000] = " +
                    std::string(op) + "(%x) %y: f32[T, 5], %i: i64[T, 5] = TopKAny(%p, %k) return y = %y }",
                0, 0);
}

TEST(Rewrites, PooledConvolutionsAreBitEqual) {
  expect_kept("fuse_conv_pooling", R"(graph g {
    %x: f32[T, 3, 41, 39] = input
    %w: f32[8, 3, 3, 3] = constant "random w"
    %v: f32[70, 8, 3, 3] = constant "random v"
    %u: f32[80, 70, 1, 1] = constant "random u"
    %b: f32[70] = constant "random b"
    %absent: none[0] = constant "0"
    %a: f32[T, 8, 39, 37] = FusedConv(%x, %w, %absent) {epilogue = "swish"}
    %c: f32[T, 8, 20, 19] = MaxPool(%a) {kernel_shape = "3,3", pads = "1,1,1,1", strides = "2,2"}
    %d: f32[T, 8, 20, 19] = Relu(%c)
    %e: f32[T, 70, 9, 9] = Conv(%d, %v, %b) {strides = "2,2"}
    %f: f32[T, 70, 8, 8] = AveragePool(%e) {kernel_shape = "2,2"}
    %g: f32[T, 80, 8, 8] = FusedConv(%f, %u, %absent) {epilogue = "relu"}
    %y: f32[T, 80, 1, 1] = GlobalAveragePool(%g)
    return y = %y
  })",
              0, 0);
}

TEST(Rewrites, ShufflesAreBitEqual) {
  expect_kept("merge_shuffles", R"(graph g {
    %x: f32[2, 3, T, 4] = input
    %a: f32[2, T, 3, 4] = Transpose(%x) {perm = "0, 2, 1, 3"}
    %b: f32[T, 4, 2, 3] = Transpose(%a) {perm = "1, 3, 0, 2"}
    %c: f32[T, 8, 3] = Reshape(%b) {shape = "0, 8, 3"}
    %d: f32[1, T, 24] = Reshape(%c) {shape = "1, T, 24"}
    %e: f32[T, 1, 24] = Transpose(%d) {perm = "1, 0, 2"}
    %f: f32[24, T, 1] = Transpose(%e) {perm = "2, 0, 1"}
    %g: f32[1, T, 1] = ReduceSum(%f) {axes = "0"}
    %y: f32[24, T, 1] = Sub(%f, %g)
    return y = %y
  })",
              0, 0);
}

TEST(Rewrites, ReductionsStayWithinTheirBound) {
  expect_kept("merge_shuffles", R"(graph g {
    %x: f32[7, 5, 3] = input
    %a: f32[3, 5, 7] = Transpose(%x) {perm = "2, 1, 0"}
    %y: f32[3, 7] = ReduceMean(%a) {axes = "1", keepdims = 0}
    return y = %y
  })",
              0, 0);
  constexpr std::string_view kGelu = R"(graph g {
    %x: f32[T, 64] = input
    %half: f32[] = constant "0.5"
    %one: f32[1] = constant "1"
    %three: f32[] = constant "3"
    %root2: f32[] = constant "1.4142135"
    %cubic: f32[] = constant "0.044715"
    %factor: f32[] = constant "0.7978846"
    %a: f32[T, 64] = Div(%x, %root2)
    %b: f32[T, 64] = Erf(%a)
    %c: f32[T, 64] = Add(%b, %one)
    %d: f32[T, 64] = Mul(%x, %c)
    %e: f32[T, 64] = Mul(%d, %half)
    %f: f32[T, 64] = Pow(%e, %three)
    %g: f32[T, 64] = Mul(%f, %cubic)
    %h: f32[T, 64] = Add(%e, %g)
    %i: f32[T, 64] = Mul(%h, %factor)
    %j: f32[T, 64] = Tanh(%i)
    %k: f32[T, 64] = Add(%j, %one)
    %l: f32[T, 64] = Mul(%e, %half)
    %m: f32[T, 64] = Mul(%l, %k)
    %n: f32[T, 64] = Sigmoid(%m)
    %y: f32[T, 64] = Mul(%m, %n)
    return y = %y
  })";
  expect_kept("recognize_reductions", kGelu, 1e-5, 1e-6);
}

TEST(Rewrites, NormalizationStaysWithinItsBound) {
  expect_kept("recognize_reductions", R"(graph g {
    %x: f32[T, 96] = input
    %two: f32[] = constant "2"
    %one: f32[] = constant "1"
    %epsilon: f32[] = constant "1e-05"
    %scale: f32[96] = constant "random scale"
    %bias: f32[96] = constant "random bias"
    %m: f32[T, 1] = ReduceMean(%x) {axes = "1"}
    %a: f32[T, 96] = Sub(%x, %m)
    %b: f32[T, 96] = Pow(%a, %two)
    %c: f32[T, 1] = ReduceMean(%b) {axes = "1"}
    %d: f32[T, 1] = Add(%c, %epsilon)
    %e: f32[T, 1] = Sqrt(%d)
    %f: f32[T, 96] = Div(%a, %e)
    %g: f32[T, 96] = Mul(%f, %scale)
    %h: f32[T, 96] = Add(%g, %bias)
    %i: f32[T, 96] = Mul(%h, %h)
    %j: f32[T, 1] = ReduceMean(%i) {axes = "-1"}
    %k: f32[T, 1] = Add(%j, %epsilon)
    %l: f32[T, 1] = Sqrt(%k)
    %n: f32[T, 1] = Div(%one, %l)
    %o: f32[T, 96] = Mul(%h, %n)
    %p: f32[T, 96] = Mul(%scale, %o)
    %q: f32[T, 1] = ReduceL2(%p) {axes = "1"}
    %r: f32[T, 1] = Clip(%q) {min = 1e-12}
    %y: f32[T, 96] = Div(%p, %r)
    return y = %y
  })",
              1e-5, 1e-5);
}

TEST(Rewrites, SumsStayWithinTheirBound) {
  for (const std::string_view body :
       {"%a: f32[T, 64] = Abs(%x) %y: f32[T] = ReduceSum(%a) {axes = \"1\", keepdims = 0}",
        "%a: f32[T, 64] = Mul(%x, %x) %y: f32[64] = ReduceSum(%a) {axes = \"0\", keepdims = 0}",
        "%a: f32[T, 64] = Mul(%x, %x) %b: f32[T, 1] = ReduceSum(%a) {axes = \"1\"} %y: f32[T, 1] = Sqrt(%b)",
        "%z: f32[T, 64] = Exp(%x) %a: f32[64] = ReduceSum(%z) {axes = \"0\", keepdims = 0} "
        "%y: f32[64] = Log(%a)",
        "%a: f32[T, 64] = Exp(%x) %b: f32[T] = ReduceSum(%a) {axes = \"1\", keepdims = 0} %y: f32[T] = "
        "Log(%b)",
        "%a: f32[T, 64] = Softmax(%x) {axis = 0} %y: f32[T, 64] = Log(%a)"})
    expect_kept("recognize_reductions",
                "graph g { %x: f32[T, 64] = input " + std::string(body) + " return y = %y }", 1e-5, 1e-6);
}

TEST(Rewrites, ProductsWithConstantsStayWithinTheirBound) {
  expect_kept("matmul_to_linear", R"(graph g {
    %x: f32[1, T, 100] = input
    %w: f32[100, 33] = constant "random w"
    %y: f32[1, T, 33] = MatMul(%x, %w)
    return y = %y
  })",
              0, 1e-6 * 100);
}

TEST(Rewrites, EpiloguesOfConvolutionsAreBitEqual) {
  expect_kept("fuse_conv_epilogues", R"(graph g {
    %x: f32[2, 3, 20, 33] = input
    %w: f32[7, 3, 3, 3] = constant "random w"
    %v: f32[7, 7, 1, 1] = constant "random v"
    %d: f32[7, 1, 3, 3] = constant "random d"
    %b: f32[7] = constant "random b"
    %half: f32[] = constant "0.5"
    %a: f32[2, 7, 20, 33] = Conv(%x, %w, %b) {pads = "1,1,1,1"}
    %c: f32[2, 7, 20, 33] = Swish(%a)
    %e: f32[2, 7, 20, 33] = LeakyRelu(%c) {alpha = 0.1}
    %f: f32[2, 7, 20, 33] = Conv(%e, %v)
    %g: f32[2, 7, 20, 33] = HardSwish(%f)
    %h: f32[2, 7, 20, 33] = Add(%e, %g)
    %i: f32[2, 7, 20, 33] = Clip(%h) {min = -2, max = 6}
    %j: f32[2, 7, 20, 33] = Conv(%i, %d, %b) {group = 7, pads = "1,1,1,1"}
    %k: f32[2, 7, 20, 33] = Mul(%j, %half)
    %l: f32[2, 7, 20, 33] = Gelu(%k)
    %m: f32[2, 7, 20, 33] = Conv(%l, %v)
    %n: f32[2, 7, 20, 33] = Max(%m, %i)
    %o: f32[2, 7, 20, 33] = HardSigmoid(%n) {alpha = 0.2, beta = 0.3}
    %p: f32[2, 7, 20, 33] = Conv(%o, %v)
    %q: f32[2, 7, 20, 33] = Sigmoid(%p)
    %r: f32[2, 7, 20, 33] = Conv(%q, %v)
    %s: f32[2, 7, 20, 33] = Min(%r, %half)
    %y: f32[2, 7, 20, 33] = Tanh(%s)
    return y = %y
  })",
              0, 0);
}

TEST(Rewrites, PadsInWindowsAreBitEqual) {
  expect_kept("fold_pads", R"(graph g {
    %x: f32[2, 3, 20, 33] = input
    %w: f32[7, 3, 3, 3] = constant "random w"
    %one: i64[8] = constant "0,0,1,2,0,0,3,1"
    %two: i64[8] = constant "0,0,1,1,0,0,1,1"
    %least: f32[] = constant "-inf"
    %a: f32[2, 3, 24, 36] = Pad(%x, %one)
    %b: f32[2, 7, 24, 36] = Conv(%a, %w) {pads = "1,1,1,1"}
    %c: f32[2, 7, 26, 38] = Pad(%b, %two)
    %d: f32[2, 7, 12, 18] = AveragePool(%c) {kernel_shape = "3,3", strides = "2,2"}
    %e: f32[2, 7, 14, 20] = Pad(%d, %two, %least)
    %y: f32[2, 7, 12, 18] = MaxPool(%e) {kernel_shape = "3,3"}
    return y = %y
  })",
              0, 0);
}

TEST(Rewrites, ProloguesOfConvolutionsAreBitEqual) {
  expect_kept("fuse_conv_epilogues", R"(graph g {
    %x: f32[2, 5, 20, 33] = input
    %s: f32[5, 1, 1, 1] = constant "random s"
    %b: f32[5] = constant "random b"
    %w: f32[7, 5, 1, 1] = constant "random w"
    %v: f32[7] = constant "random v"
    %a: f32[2, 5, 20, 33] = FusedConv(%x, %s, %b) {epilogue = "relu", group = 5}
    %y: f32[2, 7, 10, 33] = FusedConv(%a, %w, %v) {epilogue = "swish", strides = "2,1"}
    return y = %y
  })",
              0, 0);
}

TEST(Rewrites, PoolingOfMeansAndScalesByConvolutionsStayWithinTheirBounds) {
  expect_kept("recognize_pooling", R"(graph g {
    %x: f32[2, 5, 20, 33] = input
    %y: f32[2, 5] = ReduceMean(%x) {axes = "2,3", keepdims = 0}
    return y = %y
  })",
              0, 1e-6);
  expect_kept("scale_with_convolutions", R"(graph g {
    %x: f32[2, 5, 20, 33] = input
    %s: f32[5] = constant "random s"
    %b: f32[5] = constant "random b"
    %v: f32[5] = constant "0.5"
    %a: f32[2, 5, 20, 33] = BatchNormalization(%x, %s, %b, %s, %v)
    %y: f32[2, 5, 20, 33] = LeakyRelu(%a) {alpha = 0.5}
    return y = %y
  })",
              0, 1e-6 * 16);
}

TEST(Rewrites, WinogradStaysWithinItsBound) {
  expect_kept("winograd_convolutions", R"(graph g {
    %x: f32[1, 32, 21, 30] = input
    %w: f32[24, 32, 3, 3] = constant "random w"
    %b: f32[24] = constant "random b"
    %y: f32[1, 24, 21, 30] = Conv(%x, %w, %b) {pads = "1,1,1,1"}
    return y = %y
  })",
              0, 1e-5 * 32 * 9);
}

TEST(Rewrites, TransposedConvolutionsStayWithinTheirBound) {
  // kernels as long as the stride, longer and shorter; what is cut off; functions and offsets behind
  expect_kept("transposed_convolutions", R"(graph g {
    %x: f32[1, 6, 5, 9] = input
    %u: f32[6, 5, 2, 2] = constant "random u"
    %v: f32[5, 4, 4, 5] = constant "random v"
    %w: f32[4, 7, 1, 3] = constant "random w"
    %b: f32[5] = constant "random b"
    %c: f32[5, 1, 1] = constant "random c"
    %k: f32[7, 3, 3, 2] = constant "random k"
    %p: f32[1, 5, 10, 18] = ConvTranspose(%x, %u, %b) {strides = "2,2"}
    %q: f32[1, 5, 10, 18] = Mul(%p, %c)
    %r: f32[1, 5, 10, 18] = Tanh(%q)
    %s: f32[1, 4, 28, 55] = ConvTranspose(%r, %v) {strides = "3,3", pads = "1,0,2,1"}
    %t: f32[1, 7, 55, 110] = ConvTranspose(%s, %w) {strides = "2,2", pads = "0,0,0,1"}
    %y: f32[1, 3, 57, 110] = ConvTranspose(%t, %k) {pads = "0,0,0,1"}
    return y = %y
  })",
              0, 1e-6 * 6 * 4 * 5 * 4 * 5 * 7 * 6);
}

TEST(Rewrites, AttentionStaysWithinItsBound) {
  constexpr double kGreatestValue = 4.5;  // of normal inputs
  expect_kept("recognize_attention", R"(graph g {
    %q: f32[1, 6, T, 16] = input
    %k: f32[1, 2, T, 16] = input
    %v: f32[1, 2, T, 8] = input
    %mask: f32[T, T] = input
    %scale: f32[] = constant "0.25"
    %cap: f32[] = constant "5"
    %k1: f32[1, 2, 1, T, 16] = Reshape(%k) {shape = "1, 2, 1, T, 16"}
    %k2: f32[1, 2, 3, T, 16] = Expand(%k1) {shape = "1, 2, 3, T, 16"}
    %k3: f32[1, 6, T, 16] = Reshape(%k2) {shape = "1, 6, T, 16"}
    %v1: f32[1, 2, 1, T, 8] = Reshape(%v) {shape = "1, 2, 1, T, 8"}
    %v2: f32[1, 2, 3, T, 8] = Expand(%v1) {shape = "1, 2, 3, T, 8"}
    %v3: f32[1, 6, T, 8] = Reshape(%v2) {shape = "1, 6, T, 8"}
    %kt: f32[1, 6, 16, T] = Transpose(%k3) {perm = "0, 1, 3, 2"}
    %s: f32[1, 6, T, T] = MatMul(%q, %kt)
    %a: f32[1, 6, T, T] = Mul(%s, %scale)
    %b: f32[1, 6, T, T] = Div(%a, %cap)
    %c: f32[1, 6, T, T] = Tanh(%b)
    %d: f32[1, 6, T, T] = Mul(%c, %cap)
    %m: f32[1, 6, T, T] = Add(%d, %mask)
    %p: f32[1, 6, T, T] = Softmax(%m)
    %y: f32[1, 6, T, 8] = MatMul(%p, %v3)
    return y = %y
  })",
              0, 1e-5 * kGreatestValue);
  for (const std::string_view mask :
       {"%m: f32[3, 70, 70] = Add(%s, %down)", "%m: f32[3, 70, 70] = Where(%sees, %s, %low)"})
    expect_kept("recognize_attention", R"(graph g {
    %q: f32[3, 70, 8] = input
    %kt: f32[3, 8, 70] = input
    %v: f32[3, 70, 8] = input
    %down: f32[70, 70] = constant "causal -inf"
    %sees: i8[70, 70] = constant "sees"
    %low: f32[] = constant "-1e9"
    %s: f32[3, 70, 70] = MatMul(%q, %kt)
    )" + std::string(mask) + R"(
    %p: f32[3, 70, 70] = Softmax(%m)
    %y: f32[3, 70, 8] = MatMul(%p, %v)
    return y = %y
  })",
                0, 1e-5 * kGreatestValue);
}

TEST(Rewrites, OutputsThatNothingComputesAreCopies) {
  const auto backend = make_cpu_backend(1);
  CompileOptions options;
  const auto result = compile(parse_graph(R"(graph g {
    %x: f32[2, 3] = input
    %half: f32[2] = constant "0.5"
    %a: f32[2, 3] = Neg(%x)
    %b: f32[2, 3] = Neg(%a)
    %c: f32[3, 2] = Reshape(%b) {shape = "3, 2"}
    return same = %x, half = %half, view = %c
  })",
                                          test::number_constant),
                              *backend, options);
  const std::vector<float> x = {1, 2, 3, 4, 5, 6};
  const Buffer input = backend->allocate(x.size() * sizeof(float));
  backend->write(input, 0, std::as_bytes(std::span(x)));
  const auto context = backend->create_context(result.plan);
  context->bind(0, input, 0);
  context->run({}, 7);
  for (const std::string_view name : {"same", "view"}) {
    std::vector<float> y(x.size());
    context->read_output(result.plan->output(name), std::as_writable_bytes(std::span(y)));
    EXPECT_EQ(y, x) << name;
  }
  std::vector<float> half(2);
  context->read_output(result.plan->output("half"), std::as_writable_bytes(std::span(half)));
  EXPECT_EQ(half, (std::vector<float>{0.5f, 0.5f}));
}

}  // namespace
}  // namespace lathe
