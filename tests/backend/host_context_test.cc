// Plans of random steps over shared memory must give on several threads what they give on one: barriers stand
// wherever threads depend on each other, whichever steps are serial and whichever outputs are wanted.
#include "backend/host_context.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <thread>

#include "backend/heap_backend.h"
#include "base/error.h"

namespace lathe {
namespace {

using test::HeapBackend;

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

const Kernel kParallel{"test.parallel", "mix", "i32", 0, nullptr, &mix, nullptr, nullptr};
const Kernel kSerial{"test.serial", "mix", "i32",   0,
                     nullptr,       &mix,  nullptr, [](const KernelCall&) { return true; }};

/// Steps on all threads, on one, or on any group of at most `threads`.
StepChoice random_choice(std::mt19937& random, int threads) {
  StepChoice choice{random() % 3 == 0 ? &kSerial : &kParallel, 0, 0, 0};
  if (threads == 0 || random() % 4 == 0) return choice;
  choice.first_thread = static_cast<std::int32_t>(random()) & 3;
  choice.threads = 1 + static_cast<std::int32_t>(random() % static_cast<unsigned>(threads));
  return choice;
}

/// `slots` tensors side by side in the arena, tensor 0 bound from outside; each step reads two and writes a
/// third. `group_threads`: 0 for steps on all threads or one.
std::shared_ptr<Plan> random_plan(std::mt19937& random, int steps, int slots, int group_threads = 0) {
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
    profile.choices.push_back(random_choice(random, group_threads));
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

std::vector<std::uint32_t> outputs_of(ExecutionContext& context, const Plan& plan, std::int64_t n) {
  std::vector<std::uint32_t> all;
  for (std::size_t i = 0; i < plan.outputs.size(); ++i) {
    std::vector<std::uint32_t> values(static_cast<std::size_t>(n));
    context.read_output(static_cast<int>(i), std::as_writable_bytes(std::span(values)));
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
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
  return outputs_of(*context, *plan, n);
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

TEST(HostContext, GroupsOfThreadsGiveTheResultOfOne) {
  std::mt19937 random(17);
  for (int round = 0; round < 120; ++round) {
    const auto plan = random_plan(random, 60, 6, 4);
    for (const std::uint32_t wanted : {1u, 2u}) {
      const auto expected = run(plan, 1, wanted, kElements);
      for (const int threads : {2, 3, 4}) ASSERT_EQ(run(plan, threads, wanted, kElements), expected) << round;
    }
  }
}

/// The plan with its profile for up to 64 and one like it, on two threads, for more.
std::shared_ptr<Plan> with_two_profiles(const std::shared_ptr<Plan>& plan) {
  PlanProfile large = plan->profiles[0];
  plan->profiles[0].symbols = {{0, 64, 64}};
  large.symbols = {{65, kElements, kElements}};
  large.threads = 2;
  // Other places: as many slots, the other way round.
  for (std::size_t i = 1; i < large.offsets.size(); ++i)
    large.offsets[i] = plan->profiles[0].offsets[large.offsets.size() - i];
  plan->profiles.push_back(std::move(large));
  return plan;
}

TEST(HostContext, ProfilesAlternate) {
  std::mt19937 random(19);
  for (int round = 0; round < 20; ++round) {
    const auto plan = with_two_profiles(random_plan(random, 40, 6, round % 2 == 0 ? 0 : 3));
    HeapBackend backend(3);
    std::vector<Buffer> inputs;
    for (std::uint32_t k = 0; k < 2; ++k) {
      inputs.push_back(backend.allocate(kElements * 4));
      for (std::uint32_t i = 0; i < kElements; ++i)
        static_cast<std::uint32_t*>(inputs.back().data())[i] = i * 2654435761u + k;
    }
    const auto context = backend.create_context(plan);
    const auto fresh = [&](std::size_t input, std::int64_t n) {
      const auto other = backend.create_context(plan);
      other->bind(0, inputs[input], 0);
      other->run(std::span(&n, 1), 1);
      return outputs_of(*other, *plan, n);
    };
    for (const std::int64_t n : {7, 512, 7, 100, 64, 100}) {
      const std::size_t input = random() % 2;
      context->bind(0, inputs[input], 0);
      const auto expected = fresh(input, n);
      const int before = backend.allocations;
      context->run(std::span(&n, 1), 1);
      EXPECT_EQ(backend.allocations, before);
      ASSERT_EQ(outputs_of(*context, *plan, n), expected) << n;
    }
    EXPECT_THROW(
        {
          plan->profiles.back().symbols[0].minimum = 200;
          const std::int64_t between = 150;
          context->run(std::span(&between, 1), 1);
        },
        Error);
  }
}

TEST(HostContext, AProfileMayUseFewerThreads) {
  std::atomic<int> most{0};
  static std::atomic<int>* seen = nullptr;
  seen = &most;
  const Kernel counting{"test.counting", "mix", "i32", 0, nullptr, [](const KernelCall& call) {
                          seen->store(std::max(seen->load(), call.threads));
                          mix(call);
                        }};
  std::mt19937 random(23);
  const auto plan = random_plan(random, 20, 5);
  for (auto& choice : plan->profiles[0].choices) choice.kernel = &counting;
  for (const int threads : {0, 1, 2, 3, 9}) {
    plan->profiles[0].threads = threads;
    most = 0;
    run(plan, 4, 1, kElements);
    EXPECT_EQ(most, threads == 0 || threads > 4 ? 4 : threads);
  }
}

/// Runs in several threads at once, each with a context of its own; what each found of the expected results.
std::vector<int> equal_at_once(HeapBackend& backend, const std::shared_ptr<Plan>& plan, int own_threads) {
  constexpr int kContexts = 4;
  constexpr int kRuns = 20;
  Buffer input = backend.allocate(kElements * 4);
  for (std::uint32_t i = 0; i < kElements; ++i) static_cast<std::uint32_t*>(input.data())[i] = i * 40503u;
  const auto run_one = [&](ExecutionContext& context, std::int64_t n) {
    context.bind(0, input, 0);
    context.run(std::span(&n, 1), 1);
    return outputs_of(context, *plan, n);
  };
  std::vector<std::vector<std::uint32_t>> expected;
  const auto alone = backend.create_context(plan);
  for (int i = 0; i < kRuns; ++i) expected.push_back(run_one(*alone, 500 - 20 * i));
  std::vector<int> equal(kContexts, 0);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < kContexts; ++t)
    threads.emplace_back([&, t] {
      const auto context = backend.create_context(plan, {std::nullopt, own_threads});
      for (int i = 0; i < kRuns; ++i)
        equal[t] += run_one(*context, 500 - 20 * i) == expected[static_cast<std::size_t>(i)];
    });
  for (auto& thread : threads) thread.join();
  for (auto& count : equal) count = count == kRuns ? 1 : 0;
  return equal;
}

TEST(HostContext, ContextsOfOnePlanRunAtOnce) {
  std::mt19937 random(29);
  const std::vector<int> all(4, 1);
  for (const int groups : {0, 3}) {
    const auto plan = random_plan(random, 40, 6, groups);
    HeapBackend backend(3);
    EXPECT_EQ(equal_at_once(backend, plan, 2), all) << "on threads of their own";
    EXPECT_EQ(equal_at_once(backend, plan, 0), all) << "on the backend's, in turns";
  }
}

TEST(HostContext, TheCallerMayBringTheArena) {
  std::mt19937 random(31);
  const auto plan = random_plan(random, 20, 5);
  HeapBackend backend(2);
  const std::uint64_t needed = plan->arena_bytes();
  const auto refusal = [&](Buffer memory) -> std::string {
    try {
      backend.create_context(plan, {std::move(memory), 0});
      return "";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
      return error.what();
    }
  };
  EXPECT_EQ(refusal(backend.allocate(needed)), "");
  EXPECT_EQ(refusal(backend.allocate(needed + 64)), "");
  const std::string too_small = refusal(backend.allocate(needed - 1));
  EXPECT_NE(too_small.find(std::to_string(needed) + " bytes"), std::string::npos) << too_small;
  EXPECT_NE(too_small.find(std::to_string(needed - 1)), std::string::npos) << too_small;
  const Buffer memory = backend.allocate(needed + 64);
  Buffer shifted(static_cast<std::byte*>(memory.data()) + 8, needed, true, nullptr);
  const std::string misaligned = refusal(std::move(shifted));
  EXPECT_NE(misaligned.find("8 bytes behind a multiple of 64"), std::string::npos) << misaligned;

  // The memory is what is used, and what a run finds there does not matter.
  Buffer input = backend.allocate(kElements * 4);
  std::memset(input.data(), 3, input.bytes());
  Buffer own = backend.allocate(needed);
  auto* bytes = static_cast<std::byte*>(own.data());
  std::memset(bytes, 0xff, needed);
  const auto given = backend.create_context(plan, {std::move(own), 0});
  const auto fresh = backend.create_context(plan);
  const std::int64_t n = kElements;
  for (auto* context : {given.get(), fresh.get()}) {
    context->bind(0, input, 0);
    context->run(std::span(&n, 1), 1);
  }
  const auto values = outputs_of(*given, *plan, n);
  EXPECT_EQ(values, outputs_of(*fresh, *plan, n));
  const auto offset = plan->profiles[0].offsets[static_cast<std::size_t>(plan->outputs[0].tensor)];
  EXPECT_EQ(std::memcmp(bytes + offset, values.data(), kElements * 4), 0);
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
  context->set_profiling(false);
  context->run(std::span(&n, 1), 1);
  EXPECT_TRUE(context->step_seconds().empty());
}

/// Thread 1 of its step takes a while.
void slow_on_the_second(const KernelCall& call) {
  if (call.thread == 1) std::this_thread::sleep_for(std::chrono::milliseconds(3));
  mix(call);
}

TEST(HostContext, AStepTakesAsLongAsTheSlowestOfItsThreads) {
  const Kernel slow{"test.slow", "mix", "i32", 0, nullptr, &slow_on_the_second};
  std::mt19937 random(37);
  const auto plan = random_plan(random, 12, 5, 3);
  const auto n = kElements;
  HeapBackend backend(3);
  Buffer input = backend.allocate(kElements * 4);
  std::memset(input.data(), 1, input.bytes());
  for (auto& choice : plan->profiles[0].choices) choice = {&kParallel, 0, 0, 0};
  plan->profiles[0].choices[5] = {&slow, 0, 1, 2};  // on threads 1 and 2
  for (auto& step : plan->steps) step.outputs_mask = 1;
  const auto context = backend.create_context(plan);
  context->bind(0, input, 0);
  context->set_profiling(true);
  context->run(std::span(&n, 1), 1);
  const auto seconds = context->step_seconds();
  EXPECT_GE(seconds[5], 0.003);
  context->set_profiling(false);
  context->run(std::span(&n, 1), 1);
  const auto alone = outputs_of(*context, *plan, n);
  context->set_profiling(true);
  context->run(std::span(&n, 1), 1);
  EXPECT_EQ(outputs_of(*context, *plan, n), alone);
}

}  // namespace
}  // namespace lathe
