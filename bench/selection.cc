// What follows the output head: the greatest logit, the greatest 40 of them; and what comes before the first
// layer, rows of the embedding. Over the vocabularies of SmolLM2 and Gemma.
#include <benchmark/benchmark.h>

#include <random>
#include <string>
#include <vector>

#include "kernel_run.h"
#include "quant/block_format.h"
#include "tensor/dtype.h"

namespace lathe {
namespace {

constexpr std::int64_t kGreatest = 40;

AlignedBytes random_logits(std::int64_t count) {
  auto bytes = allocate(static_cast<std::size_t>(count) * sizeof(float));
  auto* logits = reinterpret_cast<float*>(bytes.get());
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0, 3);
  for (std::int64_t i = 0; i < count; ++i) logits[i] = normal(random);
  return bytes;
}

void arg_max(benchmark::State& state, std::int64_t rows, std::int64_t vocabulary, int threads) {
  const auto logits = random_logits(rows * vocabulary);
  const auto ids = allocate(static_cast<std::size_t>(rows) * sizeof(std::int32_t));
  run_kernel(state, kernel_of("ArgMax"), {argument(logits, Dtype::f32, {rows, vocabulary})},
             {argument(ids, Dtype::i32, {rows})}, {}, threads);
}

void top_k(benchmark::State& state, std::int64_t rows, std::int64_t vocabulary, int threads) {
  const auto logits = random_logits(rows * vocabulary);
  const auto values = allocate(static_cast<std::size_t>(rows * kGreatest) * sizeof(float));
  const auto ids = allocate(static_cast<std::size_t>(rows * kGreatest) * sizeof(std::int32_t));
  run_kernel(state, kernel_of("TopK"), {argument(logits, Dtype::f32, {rows, vocabulary})},
             {argument(values, Dtype::f32, {rows, kGreatest}), argument(ids, Dtype::i32, {rows, kGreatest})},
             {{.integer = kGreatest}}, threads);
}

void gather(benchmark::State& state, std::int64_t tokens, std::int64_t vocabulary, int threads) {
  constexpr std::int64_t kColumns = 576;
  const auto table = allocate(static_cast<std::size_t>(vocabulary) * row_bytes(Dtype::q8_0, kColumns));
  const auto ids = allocate(static_cast<std::size_t>(tokens) * sizeof(std::int32_t));
  std::mt19937 random(1);
  for (std::int64_t t = 0; t < tokens; ++t)
    reinterpret_cast<std::int32_t*>(ids.get())[t] =
        static_cast<std::int32_t>(random() % static_cast<std::uint64_t>(vocabulary));
  const auto rows = allocate(static_cast<std::size_t>(tokens * kColumns) * sizeof(float));
  run_kernel(state, kernel_of("Gather"),
             {argument(table, Dtype::q8_0, {vocabulary, kColumns}), argument(ids, Dtype::i32, {tokens})},
             {argument(rows, Dtype::f32, {tokens, kColumns})}, {}, threads);
}

const bool kRegistered = [] {
  for (const std::int64_t vocabulary : {49152, 262144})
    for (const int threads : {1, 2}) {
      const std::string end = std::to_string(vocabulary) + "/threads:" + std::to_string(threads);
      for (const std::int64_t rows : {1, 8}) {
        const std::string shape = std::to_string(rows) + "x" + end;
        benchmark::RegisterBenchmark(("arg_max/" + shape).c_str(), arg_max, rows, vocabulary, threads)
            ->UseRealTime();
        benchmark::RegisterBenchmark(("top_k/" + shape).c_str(), top_k, rows, vocabulary, threads)
            ->UseRealTime();
      }
      for (const std::int64_t tokens : {1, 512})
        benchmark::RegisterBenchmark(("gather/" + std::to_string(tokens) + "x" + end).c_str(), gather, tokens,
                                     vocabulary, threads)
            ->UseRealTime();
    }
  return true;
}();

}  // namespace
}  // namespace lathe
