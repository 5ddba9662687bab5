// Random flows of data, placed in one arena: whatever shares bytes, threads or groups of threads, the results
// are those of tensors that share nothing.
#include "compile/place_tensors.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <ctime>
#include <random>

#include "backend/heap_backend.h"
#include "compile/branches.h"

namespace lathe {
namespace {

using test::HeapBackend;

constexpr std::int64_t kElements = 192;

/// out[i] = 3 * in0[i] + 5 * in1[count - 1 - i] + 1: every thread reads what others wrote.
void mix(const KernelCall& call) {
  const auto* a = static_cast<const std::uint32_t*>(call.inputs[0].data);
  const auto* b = static_cast<const std::uint32_t*>(call.inputs[1].data);
  auto* out = static_cast<std::uint32_t*>(call.outputs[0].data);
  const std::int64_t count = call.outputs[0].dims[0];
  for (std::int64_t i = count * call.thread / call.threads; i < count * (call.thread + 1) / call.threads; ++i)
    out[i] = 3 * a[i] + 5 * b[call.inputs[1].dims[0] - 1 - i % call.inputs[1].dims[0]] + 1;
}

/// out[i] = 7 * in0[i] + in1[i] + 2: the output may be in0.
void scale(const KernelCall& call) {
  const auto* a = static_cast<const std::uint32_t*>(call.inputs[0].data);
  const auto* b = static_cast<const std::uint32_t*>(call.inputs[1].data);
  auto* out = static_cast<std::uint32_t*>(call.outputs[0].data);
  const std::int64_t count = call.outputs[0].dims[0];
  for (std::int64_t i = call.thread; i < count; i += call.threads)
    out[i] = 7 * a[i] + b[i % call.inputs[1].dims[0]] + 2;
}

bool always(const KernelCall&) { return true; }

const Kernel kMix{.name = "test.mix", .op = "mix", .arithmetic = "i32", .run = &mix};
const Kernel kSerialMix{
    .name = "test.serial_mix", .op = "mix", .arithmetic = "i32", .run = &mix, .serial = &always};
const Kernel kScale{
    .name = "test.scale", .op = "scale", .arithmetic = "i32", .run = &scale, .in_place_input = 0};
const Kernel kSerialScale{.name = "test.serial_scale",
                          .op = "scale",
                          .arithmetic = "i32",
                          .run = &scale,
                          .serial = &always,
                          .in_place_input = 0};

struct Flow {
  std::shared_ptr<Plan> plan;
  std::vector<std::int32_t> roots;
};

/// Each step reads two earlier tensors, recent ones most of the time, or views of them, and writes a new one.
/// Tensors are of 1 or N elements, or of N / 2 at most.
Flow random_flow(std::mt19937& random, int steps) {
  Flow flow{std::make_shared<Plan>(), {}};
  Plan& plan = *flow.plan;
  plan.symbols = {{"N", kElements}, {"M", kElements / 2}};
  PlanProfile profile;
  profile.symbols = {{0, kElements, kElements}, {0, kElements / 2, kElements / 2}};
  const auto add = [&](const Dims& dims, Place place, std::int32_t storage) {
    const auto index = static_cast<std::int32_t>(plan.tensors.size());
    PlanTensor tensor{"t" + std::to_string(index), {Dtype::i32, dims}, place, 0, 0, 0};
    tensor.max_bytes = bytes_at_maximum(plan, profile, tensor.type);
    tensor.storage = storage;
    plan.tensors.push_back(tensor);
    flow.roots.push_back(storage < 0 ? index : storage);
    return index;
  };
  std::vector<std::int32_t> values = {add({"N"}, Place::bound, -1)};
  plan.bindings = {0};
  const auto pick = [&] {
    const std::size_t recent = random() % 4 == 0 ? values.size() : std::min<std::size_t>(values.size(), 5);
    return values[values.size() - 1 - random() % recent];
  };
  for (int i = 0; i < steps; ++i) {
    PlanStep step;
    step.inputs = {pick(), pick()};
    const bool same = random() % 2 == 0;
    // What mix and scale read of their first input is as long as the output.
    const Dims dims = plan.tensors[static_cast<std::size_t>(step.inputs[0])].type.dims;
    step.outputs = {add(dims == Dims{"N"} && random() % 5 == 0 ? Dims{"M"} : dims, Place::arena, -1)};
    values.push_back(step.outputs[0]);
    if (random() % 4 == 0)
      values.push_back(add(plan.tensors.back().type.dims, Place::arena, step.outputs[0]));
    step.outputs_mask = 1;
    const Kernel* kernels[] = {&kMix, &kSerialMix, &kScale, &kSerialScale};
    profile.choices.push_back({kernels[random() % 2 + (same ? 2u : 0u)], 0, 0, 0});
    plan.steps.push_back(std::move(step));
  }
  for (const auto back : {std::size_t{1}, values.size() / 2})
    plan.outputs.push_back({"o", std::max(values[values.size() - back], values[1])});
  plan.profiles.push_back(std::move(profile));
  return flow;
}

std::vector<std::uint32_t> run(const Flow& flow, int threads, std::int64_t n) {
  HeapBackend backend(threads);
  Buffer input = backend.allocate(kElements * 4);
  for (std::uint32_t i = 0; i < kElements; ++i)
    static_cast<std::uint32_t*>(input.data())[i] = i * 2654435761u;
  const auto context = backend.create_context(flow.plan);
  context->bind(0, input, 0);
  const std::int64_t symbols[] = {n, (n + 1) / 2};
  context->run(symbols, 1);
  std::vector<std::uint32_t> all;
  for (std::size_t i = 0; i < flow.plan->outputs.size(); ++i) {
    const auto& dims = flow.plan->tensors[static_cast<std::size_t>(flow.plan->outputs[i].tensor)].type.dims;
    std::vector<std::uint32_t> values(static_cast<std::size_t>(dims == Dims{"N"} ? n : (n + 1) / 2));
    context->read_output(static_cast<int>(i), std::as_writable_bytes(std::span(values)));
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

void place(const Flow& flow, bool reuse_memory = true) {
  place_tensors(*flow.plan, flow.roots, {reuse_memory}, flow.plan->profiles[0]);
}

TEST(PlaceTensors, SharedBytesChangeNothing) {
  std::mt19937 random(3);
  int smaller = 0;
  for (int round = 0; round < 80; ++round) {
    const Flow flow = random_flow(random, 40);
    place(flow, false);
    const auto apart = flow.plan->arena_bytes();
    std::vector<std::vector<std::uint32_t>> expected;
    for (const std::int64_t n : {kElements, std::int64_t{33}}) expected.push_back(run(flow, 1, n));
    place(flow);
    smaller += flow.plan->arena_bytes() < apart;
    for (const int threads : {1, 2, 3, 5}) {
      ASSERT_EQ(run(flow, threads, kElements), expected[0]) << round;
      ASSERT_EQ(run(flow, threads, 33), expected[1]) << round;
    }
  }
  EXPECT_EQ(smaller, 80);
}

TEST(PlaceTensors, GroupsOfThreadsChangeNothing) {
  std::mt19937 random(5);
  for (int round = 0; round < 80; ++round) {
    const Flow flow = random_flow(random, 40);
    place(flow, false);
    const auto expected = run(flow, 1, kElements);
    for (auto& choice : flow.plan->profiles[0].choices)
      if (random() % 3 != 0) {
        choice.first_thread = static_cast<std::int32_t>(random() % 4);
        choice.threads = 1 + static_cast<std::int32_t>(random() % 2);
      }
    place(flow);
    for (const int threads : {1, 2, 4, 5}) ASSERT_EQ(run(flow, threads, kElements), expected) << round;
  }
}

TEST(PlaceTensors, AnInputThatDiesGivesItsBytes) {
  std::mt19937 random(7);
  const Flow flow = random_flow(random, 1);
  Plan& plan = *flow.plan;
  plan.steps.clear();
  plan.tensors.clear();
  for (int i = 0; i < 4; ++i)
    plan.tensors.push_back({"t", {Dtype::i32, {"N"}}, i == 0 ? Place::bound : Place::arena, 0, 0, 0});
  // t1 = mix(t0), t2 = scale(t1) in place, t3 = scale(t2) with t2 still needed.
  for (std::int32_t i = 0; i < 3; ++i) {
    PlanStep step;
    step.inputs = {i, 0};
    step.outputs = {i + 1};
    plan.steps.push_back(step);
  }
  plan.outputs = {{"a", 2}, {"b", 3}};
  plan.profiles[0].choices = {{&kMix, 0, 0, 0}, {&kScale, 0, 0, 0}, {&kScale, 0, 0, 0}};
  const std::vector<std::int32_t> roots = {0, 1, 2, 3};
  place_tensors(plan, roots, {}, plan.profiles[0]);
  const auto& offsets = plan.profiles[0].offsets;
  EXPECT_EQ(offsets[1], offsets[2]);
  EXPECT_NE(offsets[2], offsets[3]);
  EXPECT_EQ(plan.profiles[0].arena_bytes, 2u * kElements * 4);
  EXPECT_EQ(plan.profiles[0].arena_lower_bound, 2u * kElements * 4);
  EXPECT_EQ(plan.profiles[0].conflicts, (std::vector<std::int32_t>{-1, 0, 1}));
  // A kernel that may not, and memory that is not shared.
  plan.profiles[0].choices[1].kernel = &kMix;
  place_tensors(plan, roots, {}, plan.profiles[0]);
  EXPECT_NE(plan.profiles[0].offsets[1], plan.profiles[0].offsets[2]);
  plan.profiles[0].choices[1].kernel = &kScale;
  place_tensors(plan, roots, {false}, plan.profiles[0]);
  EXPECT_EQ(plan.profiles[0].arena_bytes, 3u * kElements * 4);
}

/// t1 and t2 of t0, t3 = Concat(t1, t2), t4 of t3 and t1; of these types, in one arena.
Plan concatenation(const Dims& first, const Dims& second, const Dims& whole, std::int64_t axis) {
  Plan plan;
  plan.symbols = {{"N", 16}};
  plan.bindings = {0};
  for (const Dims& dims : {Dims{16}, first, second, whole, Dims{16}})
    plan.tensors.push_back(
        {"t", {Dtype::i32, dims}, plan.tensors.empty() ? Place::bound : Place::arena, 0, 0, 0});
  const std::vector<std::vector<std::int32_t>> inputs = {{0, 0}, {0, 0}, {1, 2}, {3, 1}};
  PlanProfile profile;
  profile.symbols = {{0, 16, 16}};
  for (std::int32_t i = 0; i < 4; ++i) {
    PlanStep step;
    step.inputs = inputs[static_cast<std::size_t>(i)];
    step.outputs = {i + 1};
    if (i == 2) {
      step.op = find_op("Concat");
      step.attributes = StepAttributes(*step.op, {{"axis", axis}});
    }
    plan.steps.push_back(std::move(step));
    profile.choices.push_back({&kMix, 0, 0, 0});
  }
  plan.outputs = {{"o", 4}};
  plan.profiles.push_back(std::move(profile));
  place_tensors(plan, std::vector<std::int32_t>{0, 1, 2, 3, 4}, {}, plan.profiles[0]);
  return plan;
}

TEST(PlaceTensors, WhatIsConcatenatedLiesWhereItEndsUp) {
  const Plan plan = concatenation({1, 32}, {1, 16}, {1, 48}, -1);
  const auto& offsets = plan.profiles[0].offsets;
  EXPECT_EQ(offsets[1], offsets[3]);
  EXPECT_EQ(offsets[2], offsets[3] + 128);
  EXPECT_EQ(plan.profiles[0].arena_bytes, 192u + 64u);
  EXPECT_EQ(plan.profiles[0].conflicts, (std::vector<std::int32_t>{-1, -1, 1, 2}));
}

TEST(PlaceTensors, OtherConcatenationsAreCopied) {
  // Several runs, sizes that only a run knows, and a second part that begins in the middle of a line of the
  // cache.
  for (const Plan& plan :
       {concatenation({2, 16}, {2, 16}, {2, 32}, 1), concatenation({1, "N"}, {1, 16}, {1, 32}, 1)}) {
    const auto& offsets = plan.profiles[0].offsets;
    EXPECT_NE(offsets[1], offsets[3]);
    EXPECT_NE(offsets[2], offsets[3] + 64);
  }
  const Plan plan = concatenation({24}, {16}, {40}, 0);
  EXPECT_EQ(plan.profiles[0].offsets[1], plan.profiles[0].offsets[3]);
  EXPECT_NE(plan.profiles[0].offsets[2], plan.profiles[0].offsets[3] + 96);
}

TEST(PlaceTensors, ThousandsOfStepsTakeMilliseconds) {
  std::mt19937 random(11);
  const Flow flow = random_flow(random, 2000);
  const auto used = [] {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
  };
  const auto before = used();
  const StepOrder order(*flow.plan, (place(flow), flow.plan->profiles[0]));
  EXPECT_LT(used() - before, 0.5);  // a tenth of it without sanitizers
}

/// What no step of one branch has to do with a step of another: data, as the steps' tensors say it.
void expect_independent(const Plan& plan, const BranchSection& section) {
  const auto root = [&](std::int32_t tensor) {
    const auto storage = plan.tensors[static_cast<std::size_t>(tensor)].storage;
    return storage < 0 ? tensor : storage;
  };
  std::vector<int> times(plan.steps.size(), 0);
  for (std::size_t a = 0; a < section.branches.size(); ++a)
    for (const auto i : section.branches[a]) {
      ++times[static_cast<std::size_t>(i)];
      for (std::size_t b = 0; b < section.branches.size(); ++b)
        for (const auto j : section.branches[b]) {
          if (a == b) continue;
          const auto& reader = plan.steps[static_cast<std::size_t>(j)];
          for (const auto input : reader.inputs)
            ASSERT_NE(root(input), root(plan.steps[static_cast<std::size_t>(i)].outputs[0]));
        }
    }
  for (auto i = section.first_step; i < section.last_step; ++i)
    EXPECT_EQ(times[static_cast<std::size_t>(i)], 1) << "step " << i;
}

TEST(Branches, AreFoundBetweenForkAndJoin) {
  // 0 -> 1 -> {2 -> 3, 4, 5 -> 6} -> 7 (of 3 and 4) -> 8 (of 7 and 6) -> 9
  Plan plan;
  for (std::int32_t i = 0; i < 11; ++i)
    plan.tensors.push_back({"t", {Dtype::i32, {4}}, i == 0 ? Place::bound : Place::arena, 0, 0, 0});
  plan.bindings = {0};
  const std::vector<std::vector<std::int32_t>> inputs = {{0}, {1}, {2},    {3},    {2},
                                                         {2}, {6}, {4, 5}, {8, 7}, {9}};
  for (std::int32_t i = 0; i < 10; ++i) {
    PlanStep step;
    step.inputs = inputs[static_cast<std::size_t>(i)];
    step.outputs = {i + 1};
    plan.steps.push_back(step);
  }
  plan.outputs = {{"o", 10}};
  const auto sections = find_branches(plan);
  ASSERT_EQ(sections.size(), 1u);
  EXPECT_EQ(sections[0].first_step, 2);
  EXPECT_EQ(sections[0].last_step, 7);
  EXPECT_EQ(sections[0].branches, (std::vector<std::vector<std::int32_t>>{{2, 3}, {4}, {5, 6}}));
}

TEST(Branches, OnGroupsOfThreadsGiveTheSame) {
  std::mt19937 random(13);
  std::size_t found = 0;
  for (int round = 0; round < 80; ++round) {
    const Flow flow = random_flow(random, 40);
    place(flow);
    const auto expected = run(flow, 1, kElements);
    const auto sections = find_branches(*flow.plan);
    found += sections.size();
    std::vector<BranchAssignment> assignments;
    std::int32_t end = 0;
    for (const auto& section : sections) {
      EXPECT_GE(section.first_step, end);
      EXPECT_GE(section.branches.size(), 2u);
      end = section.last_step;
      expect_independent(*flow.plan, section);
      BranchAssignment assignment{&section, {}};
      for (std::size_t i = 0; i < section.branches.size(); ++i)
        assignment.groups.push_back({static_cast<std::int32_t>(i) % 4, 1 + static_cast<std::int32_t>(i) % 2});
      assignments.push_back(std::move(assignment));
    }
    assign_branches(*flow.plan, assignments, {}, flow.plan->profiles[0]);
    for (const int threads : {1, 2, 4}) ASSERT_EQ(run(flow, threads, kElements), expected) << round;
    for (auto& assignment : assignments) assignment.groups.assign(assignment.groups.size(), {0, 0});
    const auto with_groups = flow.plan->arena_bytes();
    assign_branches(*flow.plan, assignments, {}, flow.plan->profiles[0]);
    EXPECT_LE(flow.plan->arena_bytes(), with_groups);
    ASSERT_EQ(run(flow, 4, kElements), expected) << round;
  }
  EXPECT_GT(found, 80u);
}

/// Branches on different groups: nothing that one writes lies where another one reads or writes.
TEST(Branches, ShareNoBytes) {
  std::mt19937 random(17);
  for (int round = 0; round < 40; ++round) {
    const Flow flow = random_flow(random, 40);
    const auto sections = find_branches(*flow.plan);
    std::vector<BranchAssignment> assignments;
    for (const auto& section : sections) {
      assignments.push_back({&section, {}});
      for (std::size_t i = 0; i < section.branches.size(); ++i)
        assignments.back().groups.push_back({static_cast<std::int32_t>(i), 1});
    }
    PlanProfile& profile = flow.plan->profiles[0];
    assign_branches(*flow.plan, assignments, {}, profile);
    const StepOrder order(*flow.plan, profile);
    for (const auto& section : sections)
      for (std::size_t a = 0; a < section.branches.size(); ++a)
        for (const auto step : section.branches[a])
          for (const auto earlier : order.before(static_cast<std::size_t>(step))) {
            if (earlier < section.first_step) continue;
            const auto& own = section.branches[a];
            EXPECT_NE(std::find(own.begin(), own.end(), earlier), own.end()) << step << " after " << earlier;
          }
  }
}

}  // namespace
}  // namespace lathe
