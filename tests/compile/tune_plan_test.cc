// What is decided on the whole plan, by kernels whose times are known.
#include <gtest/gtest.h>

#include "base/error.h"
#include "compile/compile.h"
#include "compile/fake_backend.h"

namespace lathe {
namespace {

/// What ran before: some kernels are slow behind others, as where a cache was emptied.
std::string_view& last_op() {
  static std::string_view op;
  return op;
}

void even_swish(const KernelCall&) {
  fake::clock() += 60;
  last_op() = "Swish";
}
/// The fastest where it runs alone.
void moody_swish(const KernelCall&) {
  fake::clock() += last_op() == "Tanh" ? 200 : 40;
  last_op() = "Swish";
}
/// Chunks beyond 128 rows cost twice as much.
void tanh(const KernelCall& call) {
  const auto rows = call.inputs[0].dims[0];
  fake::clock() += 100 + (rows > 128 ? 40 * rows : 20 * rows);
  last_op() = "Tanh";
}

fake::Device& device() {
  static fake::Device all(
      {{.name = "avx512.swish", .op = "Swish", .arithmetic = "f32", .rank = 2, .run = even_swish},
       {.name = "avx2.swish", .op = "Swish", .arithmetic = "f32", .rank = 1, .run = moody_swish},
       {.name = "avx512.tanh", .op = "Tanh", .arithmetic = "f32", .rank = 2, .run = tanh}});
  return all;
}

struct Compiled {
  CompileResult result;
  std::int64_t microseconds = 0;
  const Plan& plan() const { return *result.plan; }
  std::string kernel(std::size_t step) const { return plan().profiles[0].choices[step].kernel->name; }
};

Compiled compiled(int level, TimingCache* cache = nullptr, bool fail_on_miss = false) {
  Graph graph;
  const auto x = graph.add_input("x", {Dtype::f32, {"T", 32}});
  graph.add_output("y", graph.add("Swish", "swish", {graph.add("Tanh", "tanh", {x})}));
  CompileOptions options;
  for (const auto& pass : all_passes()) options.disabled_passes.emplace_back(pass.name);
  options.limits = {{"T", 512}};
  options.profiles = {{"few", {{0, 1, 16}}, 1}, {"many", {{17, 512, 512}}, 1}};
  options.tuning.level = level;
  options.tuning.clock = fake::seconds;
  options.tuning.cache = cache;
  options.tuning.fail_on_miss = fail_on_miss;
  Compiled all;
  const auto start = fake::clock();
  all.result = compile(std::move(graph), device(), options);
  all.microseconds = fake::clock() - start;
  return all;
}

TEST(TunePlan, TheChunkIsTheFastestPerToken) {
  EXPECT_EQ(compiled(1).plan().step_tokens, 0);
  EXPECT_EQ(compiled(3).plan().step_tokens, 128);
}

TEST(TunePlan, LevelFiveSeesWhatOnlyTheWholeShows) {
  EXPECT_EQ(compiled(3).kernel(1), "avx2.swish");
  EXPECT_EQ(compiled(5).kernel(1), "avx512.swish");
}

TEST(TunePlan, AFullCacheMeasuresNothingAndDecidesTheSame) {
  TimingCache cache;
  const auto first = compiled(5, &cache);
  EXPECT_GT(first.microseconds, 0);
  const TimingCache copy = TimingCache::parse(cache.text(), "");
  const auto second = compiled(5, &cache, true);
  EXPECT_EQ(second.microseconds, 0);
  EXPECT_EQ(second.plan().step_tokens, first.plan().step_tokens);
  EXPECT_EQ(cache.entries(), copy.entries());
  for (std::size_t p = 0; p < 2; ++p) {
    EXPECT_EQ(second.plan().profiles[p].threads, first.plan().profiles[p].threads);
    for (std::size_t i = 0; i < 2; ++i)
      EXPECT_EQ(second.plan().profiles[p].choices[i].kernel, first.plan().profiles[p].choices[i].kernel);
  }
}

TEST(TunePlan, AMissingDecisionIsAnErrorWhereThatIsAskedFor) {
  TimingCache cache;
  compiled(5, &cache);
  std::string decision;
  for (const auto& [id, entry] : cache.entries())
    if (id.first.ends_with("step_tokens")) decision = id.first;
  for (const auto& [id, entry] : std::map(cache.entries()))
    if (id.first == decision) cache.remove(id.first, id.second);
  EXPECT_THROW(compiled(5, &cache, true), Error);
}

}  // namespace
}  // namespace lathe
