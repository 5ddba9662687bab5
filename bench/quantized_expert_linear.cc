// QuantizedExpertLinear over packed layouts, tokens and threads, for the ISA level that LATHE_ISA chooses: 8
// of 128 experts of 768 x 2048, as a mixture of 30 billion weights has them. Each call chooses other experts,
// so that one token's weights come from memory. GB/s counts the matrices that a call reads, each once, GOP/s
// two operations per weight and slot.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "aligned_bytes.h"
#include "base/cpu_features.h"
#include "base/thread_pool.h"
#include "cpu/kernels.h"
#include "limit_share.h"
#include "quant/block_format.h"
#include "random_activation.h"
#include "tensor/dtype.h"

namespace lathe {
namespace {

constexpr std::int64_t kExperts = 128;
constexpr std::int64_t kUsed = 8;
constexpr std::int64_t kRows = 768;
constexpr std::int64_t kColumns = 2048;
constexpr int kChoices = 16;  // calls until the same experts are chosen again

struct Choice {
  std::vector<std::int32_t> experts;  // [tokens, kUsed]
  std::int64_t read;                  // different ones
};

std::vector<Choice> random_choices(std::int64_t tokens) {
  std::mt19937 random(1);
  std::vector<std::int32_t> order(kExperts);
  std::iota(order.begin(), order.end(), 0);
  std::vector<Choice> choices(kChoices);
  for (auto& choice : choices) {
    std::vector<bool> used(kExperts);
    for (std::int64_t token = 0; token < tokens; ++token) {
      std::shuffle(order.begin(), order.end(), random);
      choice.experts.insert(choice.experts.end(), order.begin(), order.begin() + kUsed);
      for (std::size_t i = 0; i < kUsed; ++i) used[static_cast<std::size_t>(order[i])] = true;
    }
    choice.read = std::count(used.begin(), used.end(), true);
  }
  return choices;
}

void multiply(benchmark::State& state, const Kernel& kernel, Dtype layout, std::int64_t tokens, int threads) {
  const std::uint64_t expert_bytes = packed_bytes(layout, kRows, kColumns);
  const auto weights = allocate(kExperts * expert_bytes);
  const auto x = allocate(static_cast<std::size_t>(tokens) * row_bytes(Dtype::a8, kColumns));
  fill_activation(x.get(), tokens, kColumns);
  const auto output = allocate(static_cast<std::size_t>(tokens * kUsed * kRows) * sizeof(float));
  auto choices = random_choices(tokens);
  TensorArg inputs[3] = {{x.get(), {tokens, kColumns}, 2, static_cast<std::int32_t>(Dtype::a8)},
                         {weights.get(), {kExperts, kRows, kColumns}, 3, static_cast<std::int32_t>(layout)},
                         {nullptr, {tokens, kUsed}, 2, static_cast<std::int32_t>(Dtype::i32)}};
  const TensorArg result{output.get(), {tokens, kUsed, kRows}, 3, static_cast<std::int32_t>(Dtype::f32)};
  const KernelCall call{inputs, &result, nullptr, nullptr, 3, 0, threads};
  const std::size_t scratch_bytes = kernel.scratch_bytes(call) / 64 * 64 + 64;
  const auto scratch = allocate(scratch_bytes * static_cast<std::size_t>(threads));
  ThreadPool pool(threads);

  std::size_t next = 0;
  std::int64_t matrices = 0;
  const auto task = [&](int thread) {
    KernelCall own = call;
    own.thread = thread;
    own.scratch = scratch.get() + static_cast<std::size_t>(thread) * scratch_bytes;
    kernel.run(own);
  };
  for (auto _ : state) {
    inputs[2].data = choices[next].experts.data();
    matrices += choices[next].read;
    pool.run(task);
    next = (next + 1) % choices.size();
  }
  const auto calls = static_cast<double>(std::max<std::int64_t>(1, state.iterations()));
  count_bytes(state, static_cast<double>(matrices) * static_cast<double>(expert_bytes) / calls, threads);
  count_operations(state, 2.0 * static_cast<double>(kRows * kColumns * kUsed * tokens), DotOperand::int8,
                   threads);
}

const bool kRegistered = [] {
  static const std::vector<Kernel> kKernels = cpu_kernels(chosen_isa());
  for (const auto& kernel : kKernels) {
    if (kernel.op != "QuantizedExpertLinear" ||
        !kernel.name.starts_with(isa_name(std::min(chosen_isa(), IsaLevel::avx512))))
      continue;
    const Dtype layout = *dtype_named(kernel.name.substr(kernel.name.rfind('.') + 1));
    for (const std::int64_t tokens : {1, 4, 16, 64, 512})
      for (const int threads : {1, 2})
        benchmark::RegisterBenchmark(
            (kernel.name + "/tokens:" + std::to_string(tokens) + "/threads:" + std::to_string(threads))
                .c_str(),
            [&kernel, layout, tokens, threads](benchmark::State& state) {
              multiply(state, kernel, layout, tokens, threads);
            })
            ->UseRealTime()
            ->Unit(benchmark::kMicrosecond);
  }
  return true;
}();

}  // namespace
}  // namespace lathe
