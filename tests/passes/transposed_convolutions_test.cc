#include <gmock/gmock.h>

#include "passes/before_expected.h"
#include "passes/constants.h"
#include "support/number_constants.h"

namespace lathe {
namespace {

const Value& named(const Graph& graph, std::string_view name) {
  for (const auto& value : graph.values)
    if (value.name == name) return value;
  throw std::out_of_range(std::string(name));
}

std::vector<std::string_view> ops(const Graph& graph) {
  std::vector<std::string_view> names;
  for (const auto& node : graph.nodes) names.push_back(node.op->name);
  return names;
}

TEST(TransposedConvolutions, OfAKernelAsLongAsTheStrideIsAConvolutionWhoseRowsAreSpreadOut) {
  expect_rewrite(transposed_convolutions, R"g(graph g {
    %x: f32[N, 6, 5, W] = input
    %w: f32[6, 4, 2, 2] = constant "random w"
    %b: f32[4] = constant "random b"
    %c: f32[4, 1, 1] = constant "random c"
    %y: f32[N, 4, 10, "(2*W)"] = ConvTranspose(%x, %w, %b) {strides = "2,2"}
    %s: f32[N, 4, 10, "(2*W)"] = Add(%c, %y)
    %r: f32[N, 4, 10, "(2*W)"] = Relu(%s)
    return r = %r
  })g",
                 R"g(graph g {
    %x: f32[N, 6, 5, W] = input
    %w: f32[6, 4, 2, 2] = constant "random w"
    %b: f32[4] = constant "random b"
    %c: f32[4, 1, 1] = constant "random c"
    %cp: f32[16, 1, 1] = constant "random c.phases"
    %wp: f32[16, 6, 1, 1] = constant "random w.phases"
    %bp: f32[16] = constant "random b.phases"
    %y: f32[N, 16, 5, W] = Conv(%x, %wp, %bp) {pads = "0, 0, 0, 0"}
    %s: f32[N, 16, 5, W] = Add(%y, %cp)
    %r: f32[N, 16, 5, W] = Relu(%s)
    %d: f32[N, 4, 10, "(2*W)"] = DepthToSpace(%r) {blocksize = 2, mode = "CRD"}
    return r = %d
  })g",
                 {}, test::number_constant, test::number_constant);
}

TEST(TransposedConvolutions, GivesEachPhaseItsPartOfTheKernel) {
  Graph graph = parse_graph(R"g(graph g {
    %x: f32[1, 3, 5, 7] = input
    %w: f32[3, 2, 4, 3] = constant "random w"
    %y: f32[1, 2, 10, 15] = ConvTranspose(%x, %w) {strides = "2,2", pads = "1,0,1,0"}
    return y = %y
  })g",
                            test::number_constant);
  ASSERT_TRUE(transposed_convolutions(graph, {}));
  verify(graph, "the pass");
  EXPECT_THAT(ops(graph), testing::ElementsAre("Conv", "DepthToSpace", "Slice"));
  const Value& before = named(graph, "random w");
  const Value& after = named(graph, "random w.phases");
  ASSERT_EQ(after.data.shape, (Shape{8, 3, 2, 2}));
  for (std::size_t row = 0; row < 8; ++row)
    for (std::size_t channel = 0; channel < 3; ++channel)
      for (std::size_t tap = 0; tap < 4; ++tap) {
        const std::size_t y = row / 2 % 2 + 2 * (1 - tap / 2);
        const std::size_t x = row % 2 + 2 * (1 - tap % 2);
        const float expected =
            x < 3 ? constant_element(before, ((channel * 2 + row / 4) * 4 + y) * 3 + x) : 0.0f;
        EXPECT_EQ(constant_element(after, (row * 3 + channel) * 4 + tap), expected);
      }
}

TEST(TransposedConvolutions, TakesThePaddingInFrontAsConvolutionsDo) {
  Graph graph =
      parse_graph(R"(graph g {
    %x: f32[1, 3, 5, 7] = input
    %w: f32[3, 2, 2, 2] = constant "random w"
    %p: i64[4] = constant "pads"
    %axes: i64[2] = constant "axes"
    %absent: none[0] = constant "absent"
    %z: f32[1, 3, 7, 8] = Pad(%x, %p, %absent, %axes)
    %y: f32[1, 2, 14, 16] = ConvTranspose(%z, %w) {strides = "2,2"}
    return y = %y
  })",
                  [](const std::string& name, const ValueType& type) {
                    if (type.dtype != Dtype::i64) return test::number_constant(name, type);
                    const bool is_pads = name == "pads";
                    const auto kept = std::make_shared<std::vector<std::int64_t>>(
                        is_pads ? std::vector<std::int64_t>{1, 0, 1, 1} : std::vector<std::int64_t>{2, 3});
                    const TensorView view{
                        reinterpret_cast<const std::byte*>(kept->data()), type.dtype, {std::ssize(*kept)}};
                    return std::pair<TensorView, std::shared_ptr<const void>>(view, kept);
                  });
  ASSERT_TRUE(transposed_convolutions(graph, {}));
  ASSERT_TRUE(fold_pads(graph, {}));
  remove_dead_nodes(graph, {});
  EXPECT_THAT(ops(graph), testing::ElementsAre("Conv", "DepthToSpace"));
  EXPECT_EQ(graph.nodes[0].text("pads"), "1, 0, 1, 1");
}

TEST(TransposedConvolutions, KeepsGroupsDilationsUnequalStridesAndWeightsThatARunGives) {
  constexpr std::string_view kGraph = R"g(graph g {
    %x: f32[1, 4, 5, 7] = input
    %v: f32[4, 2, 2, 2] = input
    %w: f32[4, 2, 2, 2] = constant "random w"
    %a: f32[1, 4, 6, 8] = ConvTranspose(%x, %w) {group = 2}
    %b: f32[1, 2, 7, 9] = ConvTranspose(%x, %w) {dilations = "2,2"}
    %c: f32[1, 2, 10, 8] = ConvTranspose(%x, %w) {strides = "2,1"}
    %d: f32[1, 2, 6, 8] = ConvTranspose(%x, %v)
    %e: f32[1, 2, 11, 15] = ConvTranspose(%x, %w) {strides = "2,2", output_padding = "1,1"}
    return a = %a, b = %b, c = %c, d = %d, e = %e
  })g";
  expect_rewrite(transposed_convolutions, kGraph, kGraph, {}, test::number_constant);
}

}  // namespace
}  // namespace lathe
