#include "passes/before_expected.h"

#include <array>
#include <cstring>

#include "base/error.h"

namespace lathe {
namespace {

/// Owned floats as a constant's bytes.
ConstantData floats(std::vector<float> values, Shape shape) {
  auto owner = std::make_shared<const std::vector<float>>(std::move(values));
  return {{reinterpret_cast<const std::byte*>(owner->data()), Dtype::f32, std::move(shape)}, owner};
}

/// 1, 2, 3, ... for every constant.
std::pair<TensorView, std::shared_ptr<const void>> counted(const std::string&, const ValueType& type) {
  Shape shape;
  for (const auto& dim : type.dims) shape.push_back(dim.value);
  std::vector<float> values(static_cast<std::size_t>(element_count(shape)));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i + 1);
  auto data = floats(std::move(values), std::move(shape));
  return {data.data, data.owner};
}

/// Knows Mul of equal shapes and nothing else.
std::optional<std::vector<ConstantData>> multiply(const Node& node, std::span<const TensorView> inputs,
                                                  std::span<const ValueType>) {
  if (node.op->name != "Mul" || inputs[0].shape != inputs[1].shape) return std::nullopt;
  std::vector<float> a(static_cast<std::size_t>(element_count(inputs[0].shape)));
  std::vector<float> b(a.size());
  std::memcpy(a.data(), inputs[0].data, a.size() * sizeof(float));
  std::memcpy(b.data(), inputs[1].data, b.size() * sizeof(float));
  for (std::size_t i = 0; i < a.size(); ++i) a[i] *= b[i];
  std::vector<ConstantData> results;
  results.push_back(floats(std::move(a), inputs[0].shape));
  return results;
}

PassContext with_evaluator() {
  PassContext context;
  context.evaluate = multiply;
  return context;
}

constexpr std::string_view kBefore = R"(graph g {
  %x: f32[T, 4] = input
  %a: f32[4] = constant
  %b: f32[4] = constant
  %ab: f32[4] = Mul(%a, %b)
  %aab: f32[4] = Mul(%a, %ab)
  %y: f32[T, 4] = Mul(%x, %aab)
  return y = %y
})";

TEST(FoldConstants, FoldsChains) {
  expect_rewrite(fold_constants, kBefore, R"(graph g {
    %x: f32[T, 4] = input
    %a: f32[4] = constant
    %b: f32[4] = constant
    %ab: f32[4] = constant
    %aab: f32[4] = constant
    %y: f32[T, 4] = Mul(%x, %aab)
    return y = %y
  })",
                 with_evaluator(), counted);
}

TEST(FoldConstants, KeepsTheEvaluatorsValues) {
  Graph graph = parse_graph(kBefore, counted);
  ASSERT_TRUE(fold_constants(graph, with_evaluator()));
  const auto& folded = graph.value(graph.nodes.at(0).inputs.at(1));
  std::array<float, 4> values;
  std::memcpy(values.data(), folded.data.data, sizeof(values));
  EXPECT_EQ(values, (std::array<float, 4>{1, 8, 27, 64}));
}

TEST(FoldConstants, KeepsWhatHasNoEvaluatorOrNoKernel) {
  expect_rewrite(fold_constants, kBefore, kBefore, {}, counted);
  constexpr std::string_view kGelu = R"(graph g {
    %a: f32[4] = constant
    %y: f32[4] = Gelu(%a) {approximate = 0}
    return y = %y
  })";
  expect_rewrite(fold_constants, kGelu, kGelu, with_evaluator(), counted);
}

TEST(FoldConstants, KeepsWhatIsTooLarge) {
  auto context = with_evaluator();
  context.max_folded_bytes = 15;
  expect_rewrite(fold_constants, kBefore, kBefore, context, counted);
}

TEST(FoldConstants, FoldsViewsWithoutAnEvaluator) {
  expect_rewrite(fold_constants, R"(graph g {
    %a: f32[2, 12] = constant
    %y: f32[2, 3, 4] = SplitHeads(%a) {heads = 3}
    return y = %y
  })",
                 R"(graph g {
    %a: f32[2, 12] = constant
    %y: f32[2, 3, 4] = constant
    return y = %y
  })",
                 {}, counted);
}

TEST(FoldConstants, RefusesAnEvaluatorThatBreaksItsPromise) {
  PassContext context;
  context.evaluate = [](const Node&, std::span<const TensorView>, std::span<const ValueType>) {
    std::vector<ConstantData> results;
    results.push_back(floats({1, 2, 3}, {3}));
    return std::optional(std::move(results));
  };
  Graph graph = parse_graph(kBefore, counted);
  EXPECT_THROW(fold_constants(graph, context), Error);
}

/// Knows DequantizeLinear and Transpose, and nothing of their numbers.
PassContext with_shapes_alone() {
  PassContext context;
  context.evaluate = [](const Node& node, std::span<const TensorView>, std::span<const ValueType> outputs) {
    std::optional<std::vector<ConstantData>> results;
    if (node.op->name != "DequantizeLinear" && node.op->name != "Transpose") return results;
    const Shape shape = {outputs[0].dims[0].value, outputs[0].dims[1].value};
    results.emplace().push_back(
        floats(std::vector<float>(static_cast<std::size_t>(element_count(shape))), shape));
    return results;
  };
  return context;
}

TEST(FoldConstants, LeavesCodesOfWeightsWhoseDataIsDequantizedUntilProductsHaveReadThem) {
  constexpr std::string_view kNodes = R"(
    %d: f32[T, 4] = DequantizeLinear(%x, %s)
    %r: f32[T, 4] = Relu(%d)
    %wf: f32[8, 4] = DequantizeLinear(%w, %s)
    %a: f32[T, 8] = Linear(%r, %wf)
    %uf: f32[8, 4] = DequantizeLinear(%u, %s)
    %ut: f32[4, 8] = Transpose(%uf)
    %b: f32[T, 8] = MatMul(%r, %ut)
    )";
  constexpr std::string_view kEnd = R"(
    %c: f32[T, 8] = Linear(%real, %vf)
    return a = %a, b = %b, c = %c)";
  const std::string values = R"(
    %x: u8[T, 4] = input
    %real: f32[T, 4] = input
    %s: f32[] = constant "s"
    %w: i8[8, 4] = constant "w"
    %u: i8[8, 4] = constant "u"
    %v: i8[8, 4] = constant "v"
    )";
  const auto graph = [&](std::string_view folded, std::string_view nodes) {
    return "graph g {" + values + std::string(folded) + std::string(nodes) + std::string(kEnd) + "}";
  };
  const auto bytes = [](const std::string&, const ValueType& type) {
    Shape shape;
    for (const auto& dim : type.dims) shape.push_back(dim.value);
    const auto owner = std::make_shared<std::vector<std::byte>>(dense_bytes(type.dtype, shape));
    return std::pair<TensorView, std::shared_ptr<const void>>({owner->data(), type.dtype, shape}, owner);
  };
  const auto unfolded = std::string(kNodes) + "%vf: f32[8, 4] = DequantizeLinear(%v, %s)";
  expect_rewrite(fold_constants, graph("", unfolded), graph("%vf: f32[8, 4] = constant \"vf\"", kNodes),
                 with_shapes_alone(), bytes);
  expect_rewrite(fold_weights, graph("", unfolded),
                 graph(R"(
    %wf: f32[8, 4] = constant "wf"
    %uf: f32[8, 4] = constant "uf"
    %ut: f32[4, 8] = constant "ut"
    %vf: f32[8, 4] = constant "vf")",
                       R"(
    %d: f32[T, 4] = DequantizeLinear(%x, %s)
    %r: f32[T, 4] = Relu(%d)
    %a: f32[T, 8] = Linear(%r, %wf)
    %b: f32[T, 8] = MatMul(%r, %ut))"),
                 with_shapes_alone(), bytes);
}

}  // namespace
}  // namespace lathe
