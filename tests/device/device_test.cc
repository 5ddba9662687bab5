// A device with memory of its own: weights cross once, then ids go in and only what sampling needs comes out.
#include <gtest/gtest.h>

#include <filesystem>
#include <numeric>

#include "base/mapped_file.h"
#include "compile/compile.h"
#include "cpu/backend.h"
#include "device/poisoned_device.h"
#include "engine/engine.h"
#include "formats/gguf.h"
#include "models/architecture.h"
#include "support/tiny_model.h"

namespace lathe {
namespace {

constexpr std::int32_t kContext = 256;

struct Loaded {
  std::shared_ptr<const Checkpoint> checkpoint;
  std::shared_ptr<const Plan> plan;
  EngineOptions options;
};

Loaded load(const std::string& path, Backend& backend, const std::string& math) {
  Loaded loaded;
  loaded.checkpoint = read_gguf(path);
  const Architecture& architecture = find_architecture(loaded.checkpoint->architecture);
  const ModelShape shape = architecture.shape(*loaded.checkpoint);
  Graph graph = architecture.build(loaded.checkpoint, {});
  add_sampling_outputs(graph, kCandidates);
  CompileOptions options;
  options.math = math;
  options.limits = {{"T", 64}, {"Q", 4}, {"B", 64}, {"S", 16}, {"P", kContext / 64 + 4}};
  loaded.plan = compile(std::move(graph), backend, options).plan;
  loaded.options.vocabulary = static_cast<std::int32_t>(shape.vocabulary);
  loaded.options.context_tokens = kContext;
  loaded.options.step_tokens = 64;
  loaded.options.sequences = 4;
  loaded.options.out_rows = 16;
  loaded.options.cache = {static_cast<std::int32_t>(shape.layers), static_cast<std::int32_t>(shape.kv_heads),
                          static_cast<std::int32_t>(shape.head_dim), Dtype::f16, false};
  return loaded;
}

std::vector<TokenId> generate(Engine& engine, const SamplingParameters& sampling, int tokens) {
  GenerationRequest request;
  for (TokenId id = 0; id < 90; ++id) request.prompt.push_back(id * 7 % 250);
  request.sampling = sampling;
  request.max_tokens = tokens;
  const auto generation = engine.submit(request);
  std::vector<TokenId> ids;
  for (;;) {
    const TokenEvent event = generation->next();
    EXPECT_NE(event.finish, FinishReason::failed) << event.error;
    if (event.id >= 0) ids.push_back(event.id);
    if (event.finish != FinishReason::none) return ids;
  }
}

class Device : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    path_ = std::filesystem::path(testing::TempDir()) / ("device_" + GetParam() + ".gguf");
    test::write_tiny_model(path_);
  }
  void TearDown() override { std::filesystem::remove(path_); }
  std::string path_;
};

std::uint64_t sum(const std::vector<std::uint64_t>& sizes, std::size_t from = 0) {
  return std::accumulate(sizes.begin() + static_cast<std::ptrdiff_t>(from), sizes.end(), std::uint64_t{0});
}

TEST_P(Device, WeightsCrossOnceThenIdsInAndIdsOut) {
  const auto device = std::make_shared<PoisonedDevice>(2);
  const Loaded loaded = load(path_, *device, GetParam());
  const std::uint64_t weights = device->traffic().to_device;
  EXPECT_EQ(weights, loaded.plan->weight_report.copied_bytes);
  EXPECT_EQ(loaded.plan->weight_report.mapped_bytes, 0u);
  device->hide_during_runs(std::static_pointer_cast<const MappedFile>(loaded.checkpoint->owner)->bytes());

  const std::size_t writes = device->write_sizes().size();
  std::vector<TokenId> ids;
  {
    Engine engine(loaded.options, loaded.plan, device);
    ids = generate(engine, {}, 24);
  }
  ASSERT_EQ(ids.size(), 24u);
  // An id and a position for each of the prompt's 90 tokens, and for each of 26 steps one block of five short
  // arrays, every one in a cache line of its own.
  constexpr std::uint64_t kLine = 64;
  EXPECT_LE(sum(device->write_sizes(), writes), 90 * 8 + 26 * 5 * kLine);
  // Greedy: four bytes a token and nothing else.
  EXPECT_EQ(device->traffic().to_host, 24u * sizeof(TokenId));

  const auto cpu = make_cpu_backend(2, IsaLevel::portable);
  const Loaded on_cpu = load(path_, *cpu, GetParam());
  Engine engine(on_cpu.options, on_cpu.plan, cpu);
  EXPECT_EQ(generate(engine, {}, 24), ids);
}

TEST_P(Device, SamplingReadsCandidatesAndLogitsOnlyWhereTheSettingsNeedThem) {
  const auto device = std::make_shared<PoisonedDevice>(1);
  const Loaded loaded = load(path_, *device, GetParam());
  SamplingParameters candidates;
  candidates.temperature = 0.8;
  candidates.top_k = 20;
  candidates.seed = 5;
  SamplingParameters penalties = candidates;
  penalties.repetition_penalty = 1.1;
  constexpr std::uint64_t kCandidateBytes = kCandidates * 8 + 4;
  const auto vocabulary = static_cast<std::uint64_t>(loaded.options.vocabulary);
  {
    Engine engine(loaded.options, loaded.plan, device);
    generate(engine, candidates, 10);
  }
  EXPECT_EQ(device->traffic().to_host, 10 * kCandidateBytes);
  {
    Engine engine(loaded.options, loaded.plan, device);
    generate(engine, penalties, 10);
  }
  EXPECT_EQ(device->traffic().to_host, 10 * kCandidateBytes + 10 * vocabulary * sizeof(float));
}

INSTANTIATE_TEST_SUITE_P(Math, Device, testing::Values("int8", "f32"),
                         [](const auto& parameter) { return parameter.param; });

}  // namespace
}  // namespace lathe
