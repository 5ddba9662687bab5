// Tensor memory of every architecture: close to what no plan can be below, and right however it is shared, by
// threads, by streams, and with poison wherever a value is dead.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "api/plan_profiles.h"
#include "compile/branches.h"
#include "compile/step_inputs.h"
#include "cpu/backend.h"
#include "end_to_end/poisoning_context.h"
#include "engine/engine.h"
#include "models/architecture.h"
#include "models/folder_translation.h"
#include "passes/pipeline.h"

namespace lathe {
namespace {

const std::string kTiny = std::string(LATHE_SOURCE_DIR) + "/tests/tiny/";

std::vector<std::string> tiny_folders() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kTiny))
    if (std::filesystem::exists(entry.path() / "config.json")) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> every_pass() {
  std::vector<std::string> names;
  for (const auto& pass : all_passes()) names.emplace_back(pass.name);
  return names;
}

class TensorMemory : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { checkpoint_ = translate_folder(read_model_folder(kTiny + GetParam())); }

  std::shared_ptr<const Plan> plan(bool cache_off, std::int64_t tokens, bool fused = true) {
    Graph graph = find_architecture(checkpoint_->architecture).build(checkpoint_, {Dtype::f16, cache_off});
    add_sampling_outputs(graph, 8);
    CompileOptions options;
    options.limits = {{"T", tokens}, {"Q", 4}, {"B", 4 * (tokens / 64 + 1)}, {"S", 4}, {"P", 16}};
    options.profiles = decoder_profiles(options.limits);
    if (!fused) options.disabled_passes = every_pass();
    return compile(std::move(graph), *backend_, options).plan;
  }

  /// A step of so many tokens, its inputs bound by `inputs`.
  static SymbolValues step_of(const Plan& plan, std::int64_t tokens) {
    SymbolValues values;
    const std::int64_t sequences = std::min<std::int64_t>(tokens, 2);
    for (const auto& symbol : plan.symbols) values.set(symbol.name, symbol.maximum);
    values.set("T", tokens);
    values.set("Q", sequences);
    values.set("S", sequences);
    return values;
  }

  static std::vector<std::vector<std::byte>> run(ExecutionContext& context, const Plan& plan,
                                                 const SymbolValues& values) {
    context.run(values.in_order(plan.symbols), (1U << plan.outputs.size()) - 1);
    std::vector<std::vector<std::byte>> outputs;
    for (std::size_t i = 0; i < plan.outputs.size(); ++i) {
      const auto& type = plan.tensors[static_cast<std::size_t>(plan.outputs[i].tensor)].type;
      outputs.emplace_back(dense_bytes(type.dtype, values.shape(type)));
      context.read_output(static_cast<int>(i), outputs.back());
    }
    return outputs;
  }

  std::shared_ptr<Backend> backend_ = make_cpu_backend(3);
  std::shared_ptr<const Checkpoint> checkpoint_;
};

TEST_P(TensorMemory, IsCloseToTheLeastThereCanBe) {
  for (const bool cache_off : {false, true})
    for (const bool fused : {true, false}) {
      const auto compiled = plan(cache_off, 512, fused);
      ASSERT_EQ(compiled->profiles.size(), 3u);
      for (const auto& profile : compiled->profiles) {
        EXPECT_GE(profile.arena_bytes, profile.arena_lower_bound);
        EXPECT_LE(static_cast<double>(profile.arena_bytes),
                  1.1 * static_cast<double>(profile.arena_lower_bound))
            << profile.name << (fused ? "" : ", nothing fused") << (cache_off ? ", without a cache" : "");
      }
    }
}

TEST_P(TensorMemory, MayHoldPoisonWhereNothingLives) {
  for (const bool cache_off : {false, true}) {
    const auto compiled = plan(cache_off, 40);
    const auto context = backend_->create_context(compiled);
    test::PoisoningContext poisoning(compiled, 3);
    TrialStates states;
    // Without a cache there is no past, which the inputs' short sequences have.
    for (const std::int64_t tokens : cache_off ? std::vector{34, 40} : std::vector{1, 5, 33}) {
      const SymbolValues values = step_of(*compiled, tokens);
      const StepInputs inputs(*compiled, *backend_, values, states);
      inputs.bind(*context);
      inputs.bind(poisoning);
      const auto expected = run(*context, *compiled, values);
      EXPECT_TRUE(run(poisoning, *compiled, values) == expected) << tokens << " tokens";
    }
  }
}

TEST_P(TensorMemory, StreamsBesideEachOtherGiveWhatOneAloneGives) {
  const auto compiled = plan(false, 40);
  const auto stream = [&](int own_threads) {
    std::vector<std::vector<std::vector<std::byte>>> results;
    const auto context = backend_->create_context(compiled, {std::nullopt, own_threads});
    TrialStates states;
    for (const std::int64_t tokens : {33, 1, 2, 40, 1}) {
      const SymbolValues values = step_of(*compiled, tokens);
      const StepInputs inputs(*compiled, *backend_, values, states);
      inputs.bind(*context);
      results.push_back(run(*context, *compiled, values));
    }
    return results;
  };
  const auto expected = stream(0);
  std::vector<int> equal(4, 0);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < equal.size(); ++i)
    threads.emplace_back([&, i] { equal[i] = stream(static_cast<int>(i % 3)) == expected ? 1 : 0; });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(equal, std::vector<int>(4, 1));
}

INSTANTIATE_TEST_SUITE_P(Tiny, TensorMemory, testing::ValuesIn(tiny_folders()),
                         [](const auto& parameter) { return parameter.param; });

}  // namespace
}  // namespace lathe
