#include "passes/pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "backend/cache_layout.h"
#include "base/error.h"
#include "passes/before_expected.h"

namespace lathe {
namespace {

constexpr std::string_view kGraph = R"(graph g {
  %x: f32[T, 64] = input
  %gate: q8_0[32, 64] = constant
  %up: q8_0[32, 64] = constant
  %unused: f32[4] = constant
  %g: f32[T, 32] = Linear(%x, %gate)
  %u: f32[T, 32] = Linear(%x, %up)
  %s: f32[T, 32] = Swish(%g)
  %y: f32[T, 32] = Mul(%s, %u)
  return y = %y
})";

bool fuses(std::string_view name) { return name.starts_with("fuse_"); }

TEST(Pipeline, QuantizesOnceForAllConsumers) {
  Graph graph = parse_graph(kGraph);
  PipelineOptions options;
  for (const auto& pass : all_passes())
    if (fuses(pass.name)) options.disabled.emplace_back(pass.name);
  const auto reports = run_pipeline(graph, options);
  EXPECT_EQ(canonical_text(graph), canonical_text(parse_graph(R"(graph g {
    %x: f32[T, 64] = input
    %gate: q8_0[32, 64] = constant
    %up: q8_0[32, 64] = constant
    %a: a8[T, 64] = QuantizeActivation(%x)
    %g: f32[T, 32] = QuantizedLinear(%a, %gate)
    %u: f32[T, 32] = QuantizedLinear(%a, %up)
    %s: f32[T, 32] = Swish(%g)
    %y: f32[T, 32] = Mul(%s, %u)
    return y = %y
  })")));
  std::map<std::string_view, PassReport> by_name;
  ASSERT_EQ(reports.size(), all_passes().size());
  for (std::size_t i = 0; i < reports.size(); ++i) {
    EXPECT_EQ(reports[i].name, all_passes()[i].name);
    EXPECT_GE(reports[i].seconds, 0);
    EXPECT_EQ(reports[i].skipped, fuses(reports[i].name));
    by_name[reports[i].name] = reports[i];
  }
  EXPECT_TRUE(by_name["quantize_activations"].changed);
  EXPECT_EQ(by_name["quantize_activations"].nodes_before, 4u);
  EXPECT_EQ(by_name["quantize_activations"].nodes_after, 6u);
  EXPECT_FALSE(by_name["fold_constants"].changed);
  EXPECT_TRUE(by_name["merge_common_subexpressions"].changed);
  EXPECT_EQ(by_name["merge_common_subexpressions"].nodes_after, 5u);
  EXPECT_TRUE(by_name["remove_dead_nodes"].changed);  // the unused constant
}

TEST(Pipeline, FusesWhatIsLeft) {
  Graph graph = parse_graph(kGraph);
  run_pipeline(graph, {});
  ASSERT_EQ(graph.nodes.size(), 2u);
  EXPECT_EQ(graph.nodes[1].op->name, "FusedLinear");
}

TEST(Pipeline, LeavesOutWhatIsSwitchedOff) {
  Graph graph = parse_graph(kGraph);
  PipelineOptions options;
  for (const auto& pass : all_passes()) options.disabled.emplace_back(pass.name);
  for (const auto& report : run_pipeline(graph, options)) {
    EXPECT_TRUE(report.skipped);
    EXPECT_FALSE(report.changed);
  }
  EXPECT_EQ(print(graph), print(parse_graph(kGraph)));
}

template <class Action>
std::string error_of(const Action& action, ErrorCode code) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code);
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return {};
}

TEST(Pipeline, RefusesUnknownWords) {
  Graph graph = parse_graph(kGraph);
  PipelineOptions options;
  options.disabled = {"fuse_everything"};
  const auto message = error_of([&] { run_pipeline(graph, options); }, ErrorCode::invalid_argument);
  EXPECT_THAT(message, testing::HasSubstr("fuse_everything"));
  for (const auto& pass : all_passes()) EXPECT_THAT(message, testing::HasSubstr(std::string(pass.name)));

  options = {};
  options.context.math = "int4";
  EXPECT_THAT(error_of([&] { run_pipeline(graph, options); }, ErrorCode::invalid_argument),
              testing::HasSubstr("int4"));
}

TEST(Pipeline, VerifiesWhatItIsGiven) {
  Graph graph = parse_graph(kGraph);
  std::swap(graph.nodes[0], graph.nodes[3]);
  EXPECT_THAT(error_of([&] { run_pipeline(graph, {}); }, ErrorCode::internal), testing::HasSubstr("import"));
}

TEST(Pipeline, EveryPassHasANameAndASummary) {
  for (const auto& pass : all_passes()) {
    EXPECT_FALSE(pass.name.empty());
    EXPECT_FALSE(pass.summary.empty());
  }
}

// The graph's shape rules know a page's tokens, and may not include the header that defines them.
TEST(Pipeline, ShapeRulesHaveThePageOfTheCacheLayout) {
  const Graph graph = parse_graph(R"(graph g {
    %k: f32[T, 1, 1] = input
    %s: i32[Q, 4] = input
    %b: i32[B] = input
    %c: f32[1, P, 2, 1, 64] = KvScratch(%k, %k, %s, %b) {dtype = 0}
  })");
  EXPECT_EQ(graph.value(graph.nodes[0].outputs[0]).type.dims.back(), Dim(kPageTokens));
}

}  // namespace
}  // namespace lathe
