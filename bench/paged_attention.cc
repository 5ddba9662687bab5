// PagedAttention: prefill of 512 tokens, decoding after 512 and 4096, heads of 64 and 256, cache bf16, f16
// and f32, for the ISA level that LATHE_ISA chooses. GOP/s counts two multiply-adds per visible position and
// column, GB/s the pages read once, which may lie in a cache.
#include <benchmark/benchmark.h>

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "backend/cache_layout.h"
#include "base/cpu_features.h"
#include "base/half.h"
#include "base/thread_pool.h"
#include "cpu/kernels.h"
#include "limit_share.h"
#include "tensor/dtype.h"

namespace lathe {
namespace {

struct Shape {
  std::int64_t heads, kv_heads, head_dim;
};

const Kernel& kernel_for(Dtype cache_dtype) {
  static const std::vector<Kernel> kKernels = cpu_kernels(chosen_isa());
  const std::vector<ValueType> inputs = {
      {Dtype::f32, {}}, {cache_dtype, {}}, {Dtype::i32, {}}, {Dtype::i32, {}}};
  const std::vector<ValueType> outputs = {{Dtype::f32, {}}};
  const Kernel* best = nullptr;
  for (const auto& candidate : kKernels)
    if (candidate.op == "PagedAttention" && candidate.accepts({inputs, outputs}) &&
        (best == nullptr || candidate.rank > best->rank))
      best = &candidate;
  return *best;
}

void attend(benchmark::State& state, Shape shape, Dtype cache_dtype, std::int32_t tokens, std::int32_t past,
            int threads) {
  const Kernel& kernel = kernel_for(cache_dtype);
  const std::int64_t pages = (past + tokens + kPageTokens - 1) / kPageTokens;
  const std::int64_t cache_elements = pages * 2 * shape.kv_heads * kPageTokens * shape.head_dim;
  std::mt19937 random(1);
  std::normal_distribution<float> distribution;
  std::vector<float> q(static_cast<std::size_t>(tokens * shape.heads * shape.head_dim));
  for (auto& value : q) value = distribution(random);
  std::vector<float> output(q.size());
  std::vector<float> cache(static_cast<std::size_t>(cache_elements));
  for (auto& value : cache) value = distribution(random);
  std::vector<std::uint16_t> half_cache(cache.size());
  for (std::size_t i = 0; i < cache.size(); ++i)
    half_cache[i] = cache_dtype == Dtype::bf16 ? float_to_bfloat(cache[i]) : float_to_half(cache[i]);
  SequenceEntry sequence{0, tokens, past, 0};
  std::vector<std::int32_t> block_tables(static_cast<std::size_t>(pages));
  for (std::size_t i = 0; i < block_tables.size(); ++i) block_tables[i] = static_cast<std::int32_t>(i);

  const auto f32 = static_cast<std::int32_t>(Dtype::f32);
  const auto i32 = static_cast<std::int32_t>(Dtype::i32);
  void* cache_data = cache_dtype == Dtype::f32 ? static_cast<void*>(cache.data()) : half_cache.data();
  const TensorArg inputs[4] = {{q.data(), {tokens, shape.heads, shape.head_dim}, 3, f32},
                               {cache_data,
                                {1, pages, 2, shape.kv_heads, kPageTokens * shape.head_dim},
                                5,
                                static_cast<std::int32_t>(cache_dtype)},
                               {&sequence, {1, 4}, 2, i32},
                               {block_tables.data(), {pages}, 1, i32}};
  const TensorArg result{output.data(), {tokens, shape.heads, shape.head_dim}, 3, f32};
  const AttributeValue attributes[5] = {{.integer = 0},
                                        {.real = 1 / std::sqrt(static_cast<double>(shape.head_dim))},
                                        {.integer = 0},
                                        {.real = 0},
                                        {.integer = 1}};
  const KernelCall call{inputs, &result, attributes, nullptr, 4, 0, threads};
  const std::size_t scratch_bytes = kernel.scratch_bytes(call) / 64 * 64 + 64;
  std::vector<std::byte> scratch(scratch_bytes * static_cast<std::size_t>(threads) + 64);
  void* aligned = scratch.data();
  std::size_t space = scratch.size();
  std::align(64, 1, aligned, space);

  ThreadPool pool(threads);
  for (auto _ : state)
    pool.run([&](int thread) {
      KernelCall own = call;
      own.thread = thread;
      own.scratch = static_cast<std::byte*>(aligned) + static_cast<std::size_t>(thread) * scratch_bytes;
      kernel.run(own);
    });

  const double seen = tokens * (past + 0.5 * (tokens + 1));  // positions, over all tokens
  const double operations = 4 * seen * static_cast<double>(shape.heads * shape.head_dim);
  const double bytes = static_cast<double>(cache_elements) * (cache_dtype == Dtype::f32 ? 4 : 2);
  count_operations(state, operations, cache_dtype == Dtype::bf16 ? DotOperand::bf16 : DotOperand::f32,
                   threads);
  if (tokens == 1) count_bytes(state, bytes, threads);
  state.SetLabel(kernel.name);
}

void register_all() {
  const std::pair<const char*, Shape> shapes[] = {{"9x64", {9, 3, 64}}, {"4x256", {4, 1, 256}}};
  const std::tuple<const char*, std::int32_t, std::int32_t> steps[] = {
      {"prefill512", 512, 0}, {"prefill4096", 512, 3584}, {"decode512", 1, 511}, {"decode4096", 1, 4095}};
  for (const auto& [shape_name, shape] : shapes)
    for (const auto& [step_name, tokens, past] : steps)
      for (const auto dtype : {Dtype::bf16, Dtype::f16, Dtype::f32})
        for (const int threads : {1, 2}) {
          const auto name = std::string(step_name) + "/" + shape_name + "/" + std::string(info(dtype).name) +
                            "/threads:" + std::to_string(threads);
          benchmark::RegisterBenchmark(name.c_str(), attend, shape, dtype, tokens, past, threads)
              ->UseRealTime();
        }
}

const bool kRegistered = (register_all(), true);

}  // namespace
}  // namespace lathe
