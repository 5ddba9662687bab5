// A graph in text form compiles and runs through the same calls as the models.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "compile/compile.h"
#include "cpu/backend.h"
#include "graph/graph.h"

namespace lathe {
namespace {

constexpr std::string_view kFiveNodes = R"(graph five {
  %x: f32[T, 4] = input
  %w: f32[3, 4] = constant "w"
  %g: f32[4] = constant "g"
  %n: f32[T, 4] = RMSNormalization(%x, %g) {epsilon = 0.5}
  %l: f32[T, 3] = Linear(%n, %w)
  %s: f32[T, 3] = Swish(%l)
  %p: f32[T, 3] = Mul(%s, %l)
  %a: i32[T] = ArgMax(%p)
  return product = %p, best = %a
}
)";

const std::vector<float> kW = {1, 2, 3, 4, -1, 0.5f, 2, -3, 0.25f, 0, -2, 1};
const std::vector<float> kG = {1, 0.5f, 2, 1};

Graph five_nodes() {
  return parse_graph(kFiveNodes, [](const std::string& name, const ValueType&) {
    const auto& values = name == "w" ? kW : kG;
    const Shape shape = name == "w" ? Shape{3, 4} : Shape{4};
    return std::pair{TensorView{reinterpret_cast<const std::byte*>(values.data()), Dtype::f32, shape},
                     std::shared_ptr<const void>()};
  });
}

std::vector<double> expected_products(const std::vector<float>& x) {
  std::vector<double> result;
  for (std::size_t t = 0; t < x.size() / 4; ++t) {
    double square = 0;
    for (std::size_t i = 0; i < 4; ++i) square += double{x[t * 4 + i]} * x[t * 4 + i];
    const double r = 1 / std::sqrt(square / 4 + 0.5);
    for (std::size_t row = 0; row < 3; ++row) {
      double y = 0;
      for (std::size_t i = 0; i < 4; ++i) y += kW[row * 4 + i] * x[t * 4 + i] * r * kG[i];
      result.push_back(y / (1 + std::exp(-y)) * y);
    }
  }
  return result;
}

TEST(GraphFromText, FiveNodesCompileAndRun) {
  const auto backend = make_cpu_backend(2);
  CompileOptions options;
  options.limits = {{"T", 8}};
  const CompileResult result = compile(five_nodes(), *backend, options);
  EXPECT_EQ(result.plan->steps.size(), 4u);  // Swish and Mul are one
  const auto context = backend->create_context(result.plan);
  const Buffer input = backend->allocate(8 * 4 * sizeof(float));
  context->bind(result.plan->binding("x"), input, 0);

  for (const std::int64_t tokens : {1, 3, 8, 2}) {
    std::vector<float> x;
    for (std::int64_t i = 0; i < tokens * 4; ++i) x.push_back(std::sin(static_cast<float>(i * 7 + tokens)));
    backend->write(input, 0, std::as_bytes(std::span(x)));
    context->run(std::span(&tokens, 1), 3);

    std::vector<float> products(static_cast<std::size_t>(tokens) * 3);
    std::vector<std::int32_t> best(static_cast<std::size_t>(tokens));
    context->read_output(result.plan->output("product"), std::as_writable_bytes(std::span(products)));
    context->read_output(result.plan->output("best"), std::as_writable_bytes(std::span(best)));
    const auto expected = expected_products(x);
    for (std::size_t i = 0; i < expected.size(); ++i)
      EXPECT_NEAR(products[i], expected[i], 1e-5 * std::max(1.0, std::abs(expected[i])));
    for (std::size_t t = 0; t < best.size(); ++t)
      EXPECT_EQ(best[t], std::max_element(products.begin() + static_cast<std::ptrdiff_t>(t * 3),
                                          products.begin() + static_cast<std::ptrdiff_t>(t * 3 + 3)) -
                             (products.begin() + static_cast<std::ptrdiff_t>(t * 3)));
  }
}

TEST(GraphFromText, ASymbolWithoutLimitIsRefusedByName) {
  const auto backend = make_cpu_backend(1);
  try {
    compile(five_nodes(), *backend, {});
    FAIL() << "compiled without a limit for T";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    EXPECT_NE(std::string(error.what()).find("T"), std::string::npos);
  }
}

TEST(GraphFromText, APassCanBeSwitchedOffByName) {
  const auto backend = make_cpu_backend(1);
  CompileOptions options;
  options.limits = {{"T", 8}};
  options.disabled_passes = {"remove_dead_nodes"};
  for (const auto& pass : compile(five_nodes(), *backend, options).passes)
    EXPECT_EQ(pass.skipped, pass.name == "remove_dead_nodes");
  options.disabled_passes = {"no_such_pass"};
  EXPECT_THROW(compile(five_nodes(), *backend, options), Error);
}

}  // namespace
}  // namespace lathe
