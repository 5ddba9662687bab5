// What the tuner decides, by kernels whose times are known.
#include "compile/tune.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "compile/fake_backend.h"
#include "compile/node_key.h"

namespace lathe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kTiles[] = {"narrow", "wide"};

template <Dtype kDtype>
bool takes_weight(const NodeTypes& types) {
  return types.inputs[1].dtype == kDtype;
}

Kernel swish(const char* name, int rank, KernelFunction run, const char* arithmetic = "f32") {
  return {.name = name, .op = "Swish", .arithmetic = arithmetic, .rank = rank, .run = run};
}
template <Dtype kDtype>
Kernel linear(const char* name, int rank, KernelFunction run) {
  return {.name = name,
          .op = "QuantizedLinear",
          .arithmetic = "int8",
          .rank = rank,
          .accepts = takes_weight<kDtype>,
          .run = run};
}

std::vector<Kernel> kernels() {
  std::vector<Kernel> all = {
      swish("portable.swish", 0, fake::spend<300>), swish("avx2.swish", 1, fake::spend<40, 0, -20>),
      swish("avx512.swish", 2, fake::spend<60>), swish("other.swish", -1, fake::spend<1>, "approximate"),
      // Narrow codes win for few rows, wide ones for many.
      linear<Dtype::packed4>("avx512.linear.packed4", 2, fake::spend<10, 4>),
      linear<Dtype::packed8>("avx512.linear.packed8", 2, fake::spend<40, 1>),
      linear<Dtype::q4_0>("portable.linear.blocks", 0, fake::spend<500, 1>)};
  all[1].variants = kTiles;
  return all;
}

ProfileRanges profile(const char* name, std::int64_t tokens, double weight = 1) {
  return {name, {{tokens, tokens, tokens}}, weight};
}

struct Tuned {
  std::shared_ptr<Plan> plan;
  std::int64_t microseconds = 0;  // spent on measuring

  const PlanStep& step(std::size_t i) const { return plan->steps[i]; }
  std::string kernel(std::size_t step, std::size_t profile = 0) const {
    const auto& choice = plan->profiles[profile].choices[step];
    const auto& kernel = *choice.kernel;
    return kernel.name + (choice.variant == 0
                              ? ""
                              : ":" + std::string(kernel.variants[static_cast<std::size_t>(choice.variant)]));
  }
};

/// Swish, then a product with a weight of q4_0.
Graph example() {
  static const std::vector<std::byte> kWeight(16 * 18, std::byte{0x11});
  Graph graph;
  const auto x = graph.add_input("x", {Dtype::f32, {"T", 32}});
  const auto codes = graph.add_input("codes", {Dtype::a8, {"T", 32}});
  const auto weight = graph.add_constant("weight", {kWeight.data(), Dtype::q4_0, {16, 32}}, nullptr);
  graph.add_output("swish", graph.add("Swish", "swish", {x}));
  graph.add_output("product", graph.add("QuantizedLinear", "product", {codes, weight}));
  return graph;
}

Tuned tuned(const TuningOptions& given, std::vector<ProfileRanges> ranges = {profile("few", 1)}) {
  static fake::Device device(kernels());  // plans point to its kernels
  const Graph graph = example();
  TuningOptions options = given;
  options.clock = fake::seconds;
  BuildOptions build;
  build.limits = {{"T", 512}};
  for (const auto& range : ranges) build.profiles.push_back({range.name, range.symbols, {}, 0});
  const auto start = fake::clock();
  tune(graph, device, ranges, options, build);
  Tuned result;
  result.microseconds = fake::clock() - start;
  result.plan = build_plan(graph, device, build);
  return result;
}

TEST(Tune, LevelZeroTakesTheHighestRankAndLooksAtNoCache) {
  TimingCache cache;
  const auto key = "Swish(f32[1, 32]) -> f32[1, 32]";
  cache.update(key, machine_key(1), {5, true, {{"portable.swish", "", 0, "", 0}}});
  const auto result = tuned({.level = 0, .cache = &cache});
  EXPECT_EQ(result.kernel(0), "avx512.swish");
  EXPECT_EQ(result.microseconds, 0);
  EXPECT_TRUE(result.plan->profiles[0].measured[0].empty());
}

TEST(Tune, LevelOneGoesByTheModelAndMeasuresNothing) {
  const auto result = tuned({.level = 1});
  EXPECT_EQ(result.kernel(0), "avx512.swish");
  EXPECT_EQ(result.kernel(1), "avx512.linear.packed4");
  EXPECT_EQ(result.microseconds, 0);
}

TEST(Tune, MeasuringFindsTheFastestOfTheNodesOwnArithmetic) {
  const auto result = tuned({.level = 3});
  EXPECT_EQ(result.kernel(0), "avx2.swish");
  std::vector<std::string> names;
  for (const auto& item : result.plan->profiles[0].measured[0]) names.push_back(item.kernel);
  EXPECT_THAT(names, ElementsAre("avx2.swish", "avx512.swish", "portable.swish"));
  EXPECT_NEAR(result.plan->profiles[0].measured[0][0].seconds, 40e-6, 1e-9);
}

TEST(Tune, TilesAreTriedFromLevelFour) {
  const auto result = tuned({.level = 4});
  EXPECT_EQ(result.kernel(0), "avx2.swish:wide");
  EXPECT_EQ(result.plan->profiles[0].measured[0][0].variant, "wide");
}

TEST(Tune, OneLayoutServesAllProfilesByTheirWeights) {
  const std::vector<ProfileRanges> few = {profile("few", 1), profile("many", 128, 0.01)};
  const std::vector<ProfileRanges> many = {profile("few", 1), profile("many", 128)};
  EXPECT_EQ(tuned({.level = 3}, few).plan->weight_sources[0].layout, Dtype::packed4);
  const auto wide = tuned({.level = 3}, many);
  ASSERT_EQ(wide.plan->weight_sources.size(), 1u);
  EXPECT_EQ(wide.plan->weight_sources[0].layout, Dtype::packed8);
  EXPECT_EQ(wide.kernel(1, 0), "avx512.linear.packed8");
  EXPECT_EQ(wide.kernel(1, 1), "avx512.linear.packed8");
}

TEST(Tune, AFullCacheMeasuresNothingAndBuildsTheSame) {
  TimingCache cache;
  const std::vector<ProfileRanges> ranges = {profile("few", 1), profile("many", 128)};
  const auto first = tuned({.level = 3, .cache = &cache}, ranges);
  EXPECT_GT(first.microseconds, 0);
  const TimingCache copy = TimingCache::parse(cache.text(), "");
  const auto second = tuned({.level = 3, .cache = &cache, .fail_on_miss = true}, ranges);
  EXPECT_EQ(second.microseconds, 0);
  EXPECT_EQ(cache.entries(), copy.entries());
  for (std::size_t p = 0; p < ranges.size(); ++p)
    for (std::size_t step = 0; step < 2; ++step) {
      EXPECT_EQ(first.kernel(step, p), second.kernel(step, p));
      const auto& a = first.plan->profiles[p].measured[step];
      const auto& b = second.plan->profiles[p].measured[step];
      ASSERT_EQ(a.size(), b.size());
      for (std::size_t i = 0; i < a.size(); ++i) {
        EXPECT_EQ(a[i].kernel, b[i].kernel);
        EXPECT_EQ(a[i].seconds, b[i].seconds);
      }
    }
}

TEST(Tune, AMissIsAnErrorWhereThatIsAskedFor) {
  TimingCache cache;
  try {
    tuned({.level = 3, .cache = &cache, .fail_on_miss = true});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::not_found);
    EXPECT_THAT(error.what(), HasSubstr("QuantizedLinear(a8[1, 32], q4_0[16, 32]) -> f32[1, 16]"));
  }
}

TEST(Tune, EntriesOfOtherMachinesLowerLevelsAndUnknownKernelsAreMeasuredAnew) {
  const std::string key = "Swish(f32[1, 32]) -> f32[1, 32]";
  const TimingEntry slow{3, false, {{"portable.swish", "", 0, "", 1e-9}}};
  TimingEntry unknown{3, false, {{"avx1024.swish", "", 0, "", 1e-9}}};
  TimingEntry shallow = slow;
  shallow.level = 2;
  for (const auto& [machine, entry] : {std::pair<std::string, TimingEntry>{"another processor", slow},
                                       {machine_key(1), unknown},
                                       {machine_key(1), shallow}}) {
    TimingCache cache;
    cache.update(key, machine, entry);
    EXPECT_EQ(tuned({.level = 3, .cache = &cache}).kernel(0), "avx2.swish");
    EXPECT_EQ(cache.find(key, machine_key(1))->measured.front().kernel, "avx2.swish");
  }
  TimingCache cache;
  cache.update(key, machine_key(1), slow);
  EXPECT_EQ(tuned({.level = 3, .cache = &cache}).kernel(0), "portable.swish");
}

TEST(Tune, AForcedKernelIsTakenUnmeasuredAndItsLayoutWithIt) {
  TimingCache cache;
  cache.update("Swish(f32[1, 32]) -> f32[1, 32]", machine_key(1),
               {0, true, {{"avx2.swish", "wide", 0, "", 0}}});
  cache.update("QuantizedLinear(a8[1, 32], q4_0[16, 32]) -> f32[1, 16]", machine_key(1),
               {0, true, {{"portable.linear.blocks", "", 0, "", 0}}});
  for (const int level : {1, 3, 4}) {
    const auto result = tuned({.level = level, .cache = &cache});
    EXPECT_EQ(result.kernel(0), "avx2.swish:wide");
    EXPECT_EQ(result.kernel(1), "portable.linear.blocks");
    EXPECT_EQ(result.plan->weight_sources[0].layout, Dtype::q4_0);
    EXPECT_EQ(result.microseconds, 0);
  }
}

TEST(Tune, AForcedKernelThatDoesNotAcceptTheNodeIsAnErrorThatNamesIt) {
  for (const TimedCandidate& forced :
       {TimedCandidate{"avx512.linear.packed4", "", 0, "", 0}, TimedCandidate{"avx2.swish", "huge", 0, "", 0},
        TimedCandidate{"other.swish", "", 0, "", 0}}) {
    TimingCache cache;
    cache.update("Swish(f32[1, 32]) -> f32[1, 32]", machine_key(1), {0, true, {forced}});
    try {
      tuned({.level = 3, .cache = &cache});
      FAIL() << forced.kernel;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
      EXPECT_EQ(error.place().field, "swish");
      EXPECT_THAT(error.what(), HasSubstr(forced.kernel));
    }
  }
}

TEST(Tune, ALevelBeyondTheLastIsRefused) {
  EXPECT_THROW(tuned({.level = 6}), Error);
  EXPECT_THROW(tuned({.level = -1}), Error);
}

TEST(NodeKey, LeavesOutTheLayerAndThePages) {
  Graph graph;
  const auto cache = graph.add_input("cache", {Dtype::f16, {4, "P", 2, 1, 64 * 32}}, ValueKind::state);
  const auto k = graph.add_input("k", {Dtype::f32, {"T", 1, 32}});
  const auto v = graph.add_input("v", {Dtype::f32, {"T", 1, 32}});
  const auto sequences = graph.add_input("sequences", {Dtype::i32, {"Q", 4}});
  const auto tables = graph.add_input("block_tables", {Dtype::i32, {"B"}});
  const auto first =
      graph.add("KvWrite", "a", {cache, k, v, sequences, tables}, {{"layer", std::int64_t{0}}});
  graph.add("KvWrite", "b", {first, k, v, sequences, tables}, {{"layer", std::int64_t{3}}});
  SymbolValues values;
  values.set("T", 2), values.set("Q", 1), values.set("B", 4), values.set("P", 99);
  EXPECT_EQ(node_key(graph, graph.nodes[0], values),
            "KvWrite(f16[4, P, 2, 1, 2048], f32[2, 1, 32], f32[2, 1, 32], i32[1, 4], i32[4]) -> "
            "f16[4, P, 2, 1, 2048]");
  EXPECT_EQ(node_key(graph, graph.nodes[0], values), node_key(graph, graph.nodes[1], values));
}

}  // namespace
}  // namespace lathe
