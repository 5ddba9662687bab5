// A device with memory of its own: weights cross once, then ids go in and only what sampling needs comes out.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <numeric>
#include <span>

#include "base/error.h"
#include "base/mapped_file.h"
#include "compile/compile.h"
#include "cpu/backend.h"
#include "device/poisoned_device.h"
#include "engine/engine.h"
#include "formats/gguf.h"
#include "models/architecture.h"
#include "quant/block_format.h"
#include "quant/packed.h"
#include "support/tiny_model.h"

namespace lathe {
namespace {

constexpr std::int32_t kContext = 256;

struct Loaded {
  std::shared_ptr<const Checkpoint> checkpoint;
  std::shared_ptr<const Plan> plan;
  EngineOptions options;
};

Loaded load(const std::string& path, Backend& backend, const std::string& math, bool cache_off = false) {
  Loaded loaded;
  loaded.checkpoint = read_gguf(path);
  const Architecture& architecture = find_architecture(loaded.checkpoint->architecture);
  const ModelShape shape = architecture.shape(*loaded.checkpoint);
  Graph graph = architecture.build(loaded.checkpoint, {Dtype::f16, cache_off});
  add_sampling_outputs(graph, kCandidates);
  CompileOptions options;
  options.math = math;
  const std::int32_t step_tokens = cache_off ? kContext : 64;
  options.limits = {{"T", step_tokens}, {"Q", 4}, {"B", 64}, {"S", 16}, {"P", kContext / 64 + 4}};
  loaded.plan = compile(std::move(graph), backend, options).plan;
  loaded.options.vocabulary = static_cast<std::int32_t>(shape.vocabulary);
  loaded.options.context_tokens = kContext;
  loaded.options.step_tokens = step_tokens;
  loaded.options.sequences = 4;
  loaded.options.out_rows = 16;
  loaded.options.cache = {static_cast<std::int32_t>(shape.layers), static_cast<std::int32_t>(shape.kv_heads),
                          static_cast<std::int32_t>(shape.head_dim), Dtype::f16, cache_off};
  return loaded;
}

GenerationRequest make_request(TokenId step, const SamplingParameters& sampling, int tokens) {
  GenerationRequest request;
  for (TokenId id = 0; id < 90; ++id) request.prompt.push_back(id * step % 250);
  request.sampling = sampling;
  request.max_tokens = tokens;
  return request;
}

std::vector<TokenId> collect(Generation& generation) {
  std::vector<TokenId> ids;
  for (;;) {
    const TokenEvent event = generation.next();
    EXPECT_NE(event.finish, FinishReason::failed) << event.error;
    if (event.id >= 0) ids.push_back(event.id);
    if (event.finish != FinishReason::none) return ids;
  }
}

std::vector<TokenId> generate(Engine& engine, const SamplingParameters& sampling, int tokens) {
  return collect(*engine.submit(make_request(7, sampling, tokens)));
}

using WeightKey = std::pair<std::string, Dtype>;  // tensor and layout
using Weights = std::map<WeightKey, std::vector<std::byte>>;

std::vector<std::byte> stored(const TensorView& tensor) {
  return {tensor.data, tensor.data + tensor.bytes()};
}

std::vector<std::byte> packed(const TensorView& tensor, Dtype layout) {
  const std::int64_t groups = (tensor.rows() + kPackedRows - 1) / kPackedRows;
  std::vector<std::byte> bytes(packed_bytes(layout, tensor.rows(), tensor.columns()));
  if (layout != Dtype::packed_f32) {
    pack_groups(tensor.dtype, tensor.data, tensor.rows(), tensor.columns(), 0, groups, bytes.data());
    return bytes;
  }
  std::vector<float> values(static_cast<std::size_t>(tensor.rows() * tensor.columns()));
  decode_rows(tensor.dtype, tensor.data, values.data(), tensor.rows(), tensor.columns());
  pack_groups(Dtype::f32, reinterpret_cast<const std::byte*>(values.data()), tensor.rows(), tensor.columns(),
              0, groups, bytes.data());
  return bytes;
}

/// The one constant that no file holds.
std::vector<std::byte> rope_frequencies(const Checkpoint& checkpoint) {
  const std::int64_t dims = checkpoint.integer("llama.rope.dimension_count", 2, 1024);
  const double base = checkpoint.real_or("llama.rope.freq_base", 10000.0);
  std::vector<double> frequencies;
  for (std::int64_t i = 0; i < dims; i += 2)
    frequencies.push_back(std::pow(base, -static_cast<double>(i) / static_cast<double>(dims)));
  const auto bytes = std::as_bytes(std::span(frequencies));
  return {bytes.begin(), bytes.end()};
}

/// What a device must get of a checkpoint: norms and the table of embeddings as they lie, matrices as their
/// products read them. A checkpoint without a head uses the table for both.
Weights needed_weights(const Checkpoint& checkpoint, const std::string& math) {
  const std::string table = "token_embd.weight";
  const std::string head = checkpoint.find_tensor("output.weight") != nullptr ? "output.weight" : table;
  Weights weights;
  for (const auto& [name, tensor] : checkpoint.tensors) {
    const bool matrix = tensor.shape.size() == 2;
    if (!matrix || name == table) weights[{name, tensor.dtype}] = stored(tensor);
    if (!matrix || (name == table && head != table)) continue;
    const Dtype layout = math == "f32" ? Dtype::packed_f32 : block_format(tensor.dtype)->packed;
    weights[{name, layout}] = packed(tensor, layout);
  }
  weights[{"rope_frequencies", Dtype::f64}] = rope_frequencies(checkpoint);
  return weights;
}

/// The plan's weights, read back from the device.
Weights weights_on_device(const Plan& plan, Backend& device) {
  Weights weights;
  for (const PlanTensor& tensor : plan.tensors) {
    if (tensor.place != Place::weight) continue;
    const Buffer& buffer = plan.weights.at(static_cast<std::size_t>(tensor.index));
    std::vector<std::byte> bytes(buffer.bytes());
    device.read(buffer, 0, bytes);
    EXPECT_TRUE(weights.emplace(WeightKey{tensor.name, tensor.type.dtype}, std::move(bytes)).second)
        << tensor.name << " is there twice";
  }
  return weights;
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

TEST_P(Device, EveryWeightCrossesOnceInEachLayoutThatIsRead) {
  PoisonedDevice device(2);
  const Loaded loaded = load(path_, device, GetParam());
  const Weights needed = needed_weights(*loaded.checkpoint, GetParam());
  // Two layers of nine tensors, the last norm, the embedding twice, as table and as head, and RoPE's angles.
  ASSERT_EQ(needed.size(), 2u * 9 + 1 + 2 + 1);

  std::vector<std::uint64_t> sizes;
  for (const auto& [key, bytes] : needed) sizes.push_back(bytes.size());
  std::vector<std::uint64_t> written = device.write_sizes();
  std::sort(sizes.begin(), sizes.end());
  std::sort(written.begin(), written.end());
  EXPECT_EQ(written, sizes);
  EXPECT_EQ(device.traffic().to_device, sum(sizes));
  EXPECT_EQ(loaded.plan->weight_report.copied_bytes, sum(sizes));
  EXPECT_EQ(loaded.plan->weight_report.mapped_bytes, 0u);

  // As many buffers as copies, each with the right bytes: no copy went twice to one place.
  EXPECT_EQ(loaded.plan->weights.size(), needed.size());
  const Weights found = weights_on_device(*loaded.plan, device);
  for (const auto& [key, bytes] : needed) {
    const auto there = found.find(key);
    ASSERT_NE(there, found.end()) << key.first << " as " << info(key.second).name;
    EXPECT_TRUE(there->second == bytes) << key.first << " as " << info(key.second).name;
  }
  EXPECT_EQ(found.size(), needed.size());
}

TEST_P(Device, AModelThatDoesNotFitSaysWhatItNeedsBeforeItTakesAny) {
  const auto checkpoint = read_gguf(path_);
  CompileOptions options;
  options.math = GetParam();
  options.limits = {{"T", 64}, {"Q", 4}, {"B", 64}, {"S", 16}, {"P", 1000}};
  const auto compiled = [&](Backend& backend) {
    Graph graph = find_architecture(checkpoint->architecture).build(checkpoint, {Dtype::f16, false});
    return compile(std::move(graph), backend, options).plan;
  };
  PoisonedDevice roomy(1);
  const auto plan = compiled(roomy);
  // Two layers, keys and values of two heads of 16, as f16.
  const std::uint64_t cache = 2 * 1000 * 2 * 2 * 64 * 16 * 2;
  const std::uint64_t needed = roomy.traffic().to_device + cache + plan->arena_bytes();

  PoisonedDevice device(1);
  options.memory = MemoryAvailable{needed - 1, "the test"};
  try {
    compiled(device);
    FAIL() << "compiled without the memory for it";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::resource_limit);
    const std::string message = error.what();
    EXPECT_NE(message.find("needs " + std::to_string(needed) + " bytes"), std::string::npos) << message;
    EXPECT_NE(message.find("the test has " + std::to_string(needed - 1) + " left"), std::string::npos)
        << message;
  }
  EXPECT_TRUE(device.write_sizes().empty());
  options.memory = MemoryAvailable{needed, "the test"};
  EXPECT_EQ(compiled(device)->weights.size(), plan->weights.size());
}

TEST_P(Device, AfterTheWeightsIdsInAndIdsOut) {
  const auto device = std::make_shared<PoisonedDevice>(2);
  const Loaded loaded = load(path_, *device, GetParam());
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

TEST_P(Device, WithoutACacheNoPagesAndTheSameIds) {
  const auto with_cache = std::make_shared<PoisonedDevice>(2);
  const Loaded cached = load(path_, *with_cache, GetParam());
  Engine reference(cached.options, cached.plan, with_cache);
  const std::vector<TokenId> expected = generate(reference, {}, 24);
  ASSERT_EQ(expected.size(), 24u);
  EXPECT_GT(reference.cache_statistics().pages_ever_used, 0);

  const auto device = std::make_shared<PoisonedDevice>(2);
  const Loaded loaded = load(path_, *device, GetParam(), true);
  EXPECT_THROW(loaded.plan->binding("cache"), Error);
  device->hide_during_runs(std::static_pointer_cast<const MappedFile>(loaded.checkpoint->owner)->bytes());
  const std::size_t writes = device->write_sizes().size();
  {
    Engine engine(loaded.options, loaded.plan, device);
    EXPECT_EQ(generate(engine, {}, 24), expected);
    EXPECT_EQ(engine.cache_statistics().pages, 0);
    EXPECT_EQ(engine.cache_statistics().pages_ever_used, 0);
  }
  // Nothing is remembered between steps: each brings all ids so far, with their positions.
  std::uint64_t ids_in = 0;
  for (std::uint64_t tokens = 90; tokens < 90 + 24; ++tokens) ids_in += tokens * 8;
  EXPECT_GE(sum(device->write_sizes(), writes), ids_in);
  EXPECT_EQ(device->traffic().to_host, 24u * sizeof(TokenId));
}

TEST_P(Device, TwoSequencesAtOnceGetWhatEachGetsAlone) {
  const auto device = std::make_shared<PoisonedDevice>(2);
  const Loaded loaded = load(path_, *device, GetParam());
  const std::vector<GenerationRequest> requests = {make_request(7, {}, 24), make_request(11, {}, 24)};
  std::vector<std::vector<TokenId>> alone;
  std::size_t before = device->write_sizes().size();
  for (const auto& one : requests) {
    Engine engine(loaded.options, loaded.plan, device);
    alone.push_back(collect(*engine.submit(one)));
  }
  const std::size_t steps_alone = device->write_sizes().size() - before;
  ASSERT_NE(alone[0], alone[1]);

  Engine engine(loaded.options, loaded.plan, device);
  std::vector<std::unique_ptr<Generation>> generations;
  // The engine's thread is busy meanwhile, so it finds both at once.
  const std::vector<TokenId> one_id = {1};
  engine.evaluate(one_id, 0, [&](std::int32_t, std::span<const float>) {
    for (const auto& one : requests) generations.push_back(engine.submit(one));
  });
  before = device->write_sizes().size();
  for (std::size_t i = 0; i < requests.size(); ++i) EXPECT_EQ(collect(*generations[i]), alone[i]) << i;
  const std::size_t steps_together = device->write_sizes().size() - before;
  // A step is one copy: most steps had both.
  EXPECT_LE(steps_together, steps_alone / 2 + 3);
}

INSTANTIATE_TEST_SUITE_P(Math, Device, testing::Values("int8", "f32"),
                         [](const auto& parameter) { return parameter.param; });

}  // namespace
}  // namespace lathe
