// Plans of random steps over shared memory must give on several threads what they give on one: barriers stand
// wherever threads depend on each other, whichever steps are serial and whichever outputs are wanted.
#include "backend/host_context.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <random>

namespace lathe {
namespace {

constexpr std::int64_t kElements = 512;

/// out[i] = 3 * in0[i] + 5 * in1[kElements - 1 - i] + 1: every thread reads what others wrote.
void mix(const KernelCall& call) {
  const auto* a = static_cast<const std::uint32_t*>(call.inputs[0].data);
  const auto* b = static_cast<const std::uint32_t*>(call.inputs[1].data);
  auto* out = static_cast<std::uint32_t*>(call.outputs[0].data);
  const std::int64_t count = call.outputs[0].dims[0];
  for (std::int64_t i = call.thread; i < count; i += call.threads)
    out[i] = 3 * a[i] + 5 * b[count - 1 - i] + 1;
}

class HeapBackend final : public Backend {
 public:
  explicit HeapBackend(int threads) : pool_(std::make_shared<ThreadPool>(threads)) {}
  std::string_view name() const override { return "heap"; }
  Buffer allocate(std::size_t bytes) override {
    ++allocations;
    return {std::aligned_alloc(64, (bytes + 63) / 64 * 64), bytes, true,
            [](void* data, std::size_t) { std::free(data); }};
  }
  std::optional<Buffer> share(std::span<const std::byte>, std::shared_ptr<const void>) override {
    return std::nullopt;
  }
  void write(const Buffer& buffer, std::uint64_t offset, std::span<const std::byte> host) override {
    std::memcpy(static_cast<std::byte*>(buffer.data()) + offset, host.data(), host.size());
  }
  void read(const Buffer& buffer, std::uint64_t offset, std::span<std::byte> host) override {
    std::memcpy(host.data(), static_cast<const std::byte*>(buffer.data()) + offset, host.size());
  }
  Traffic traffic() const override { return {}; }
  std::span<const Kernel> kernels() const override { return {}; }
  std::unique_ptr<ExecutionContext> create_context(std::shared_ptr<const Plan> plan,
                                                   ContextOptions = {}) override {
    Buffer arena = allocate(plan->arena_bytes());
    return std::make_unique<HostContext>(std::move(plan), pool_, std::move(arena), *this);
  }
  int allocations = 0;

 private:
  std::shared_ptr<ThreadPool> pool_;
};

const Kernel kParallel{"test.parallel", "mix", "i32", 0, nullptr, &mix, nullptr, nullptr};
const Kernel kSerial{"test.serial", "mix", "i32",   0,
                     nullptr,       &mix,  nullptr, [](const KernelCall&) { return true; }};

/// `slots` tensors side by side in the arena, tensor 0 bound from outside; each step reads two and writes a
/// third.
std::shared_ptr<Plan> random_plan(std::mt19937& random, int steps, int slots) {
  auto plan = std::make_shared<Plan>();
  plan->symbols = {{"N", kElements}};
  PlanProfile profile;
  profile.symbols = {{0, kElements, kElements}};
  const auto bytes = static_cast<std::uint64_t>(kElements) * 4;
  for (int i = 0; i < slots; ++i)
    plan->tensors.push_back(
        {"t" + std::to_string(i), {Dtype::i32, {"N"}}, i == 0 ? Place::bound : Place::arena, 0, 0, bytes}),
        profile.offsets.push_back(i == 0 ? 0 : bytes * static_cast<std::uint64_t>(i - 1));
  plan->bindings = {0};
  profile.arena_bytes = bytes * static_cast<std::uint64_t>(slots - 1);
  const auto pick = [&](int low) { return static_cast<std::int32_t>(random() % (slots - low)) + low; };
  // First every tensor gets a value, so that results never depend on fresh memory.
  for (int i = 0; i < steps; ++i) {
    PlanStep step;
    const bool fill = i < slots - 1;
    step.outputs = {fill ? i + 1 : pick(1)};
    do step.inputs = {fill ? 0 : pick(0), fill ? 0 : pick(0)};
    while (step.inputs[0] == step.outputs[0] || step.inputs[1] == step.outputs[0]);
    profile.choices.push_back({random() % 3 == 0 ? &kSerial : &kParallel, 0, 0, 0});
    profile.conflicts.push_back(-1);
    step.outputs_mask = random() % 4 == 0 && !fill ? 2 : 3;
    const auto touches = [](const PlanStep& a, const PlanStep& b) {
      const auto has = [](const std::vector<std::int32_t>& list, std::int32_t x) {
        return std::find(list.begin(), list.end(), x) != list.end();
      };
      return has(b.inputs, a.outputs[0]) || b.outputs[0] == a.outputs[0] || has(a.inputs, b.outputs[0]);
    };
    for (int j = i; j-- > 0 && profile.conflicts.back() < 0;)
      if (touches(plan->steps[static_cast<std::size_t>(j)], step)) profile.conflicts.back() = j;
    plan->steps.push_back(std::move(step));
  }
  for (std::int32_t i = 1; i < slots; ++i) plan->outputs.push_back({"o", i});
  plan->profiles.push_back(std::move(profile));
  return plan;
}

std::vector<std::uint32_t> run(const std::shared_ptr<Plan>& plan, int threads, std::uint32_t wanted,
                               std::int64_t n) {
  HeapBackend backend(threads);
  Buffer input = backend.allocate(kElements * 4);
  for (std::uint32_t i = 0; i < kElements; ++i)
    static_cast<std::uint32_t*>(input.data())[i] = i * 2654435761u;
  const auto context = backend.create_context(plan);
  context->bind(0, input, 0);
  const std::int64_t symbols[] = {n};
  context->run(symbols, wanted);
  std::vector<std::uint32_t> all;
  for (std::size_t i = 0; i < plan->outputs.size(); ++i) {
    std::vector<std::uint32_t> values(static_cast<std::size_t>(n));
    context->read_output(static_cast<int>(i), std::as_writable_bytes(std::span(values)));
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

TEST(HostContext, ThreadsGiveTheResultOfOne) {
  std::mt19937 random(7);
  for (int round = 0; round < 60; ++round) {
    const auto plan = random_plan(random, 60, 6);
    for (const std::uint32_t wanted : {1u, 2u}) {
      const auto expected = run(plan, 1, wanted, kElements);
      for (const int threads : {2, 3, 4}) ASSERT_EQ(run(plan, threads, wanted, kElements), expected) << round;
    }
  }
}

TEST(HostContext, SteadyStateAllocatesNothing) {
  std::mt19937 random(11);
  const auto plan = random_plan(random, 40, 5);
  HeapBackend backend(2);
  Buffer input = backend.allocate(kElements * 4);
  std::memset(input.data(), 1, input.bytes());
  const auto context = backend.create_context(plan);
  context->bind(0, input, 0);
  const int before = backend.allocations;
  for (const std::int64_t n : {1, 512, 7, 512}) context->run(std::span(&n, 1), 1);
  EXPECT_EQ(backend.allocations, before);
}

TEST(HostContext, ProfilingTimesTheStepsThatRan) {
  std::mt19937 random(13);
  const auto plan = random_plan(random, 20, 5);
  HeapBackend backend(2);
  Buffer input = backend.allocate(kElements * 4);
  std::memset(input.data(), 1, input.bytes());
  const auto context = backend.create_context(plan);
  context->bind(0, input, 0);
  context->set_profiling(true);
  const std::int64_t n = kElements;
  context->run(std::span(&n, 1), 1);
  const auto seconds = context->step_seconds();
  ASSERT_EQ(seconds.size(), plan->steps.size());
  for (std::size_t i = 0; i < seconds.size(); ++i)
    EXPECT_EQ(seconds[i] > 0, (plan->steps[i].outputs_mask & 1) != 0);
}

}  // namespace
}  // namespace lathe
