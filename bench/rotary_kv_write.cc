// RotaryKvWrite: queries and keys turned, keys and values into the pages of the cache, in SmolLM2's and
// Gemma's shapes.
#include <benchmark/benchmark.h>

#include <numeric>
#include <string>
#include <vector>

#include "backend/cache_layout.h"
#include "kernel_run.h"
#include "tensor/dtype.h"

namespace lathe {
namespace {

struct Heads {
  const char* name;
  std::int64_t heads, kv_heads, head_dim;
};

void write(benchmark::State& state, const Heads& shape, std::int32_t tokens, std::int32_t past, int threads) {
  const std::int64_t pages = (past + tokens + kPageTokens - 1) / kPageTokens;
  const auto floats = [](std::int64_t count) {
    return allocate(static_cast<std::size_t>(count) * sizeof(float));
  };
  const std::int64_t kv_row = shape.kv_heads * shape.head_dim;
  const auto cache = allocate(static_cast<std::size_t>(pages * 2 * kv_row * kPageTokens) * 2);
  const auto k = floats(tokens * kv_row);
  const auto v = floats(tokens * kv_row);
  const auto q = floats(tokens * shape.heads * shape.head_dim);
  const auto turned = floats(tokens * shape.heads * shape.head_dim);
  const auto table = floats(tokens * shape.head_dim);
  const auto sequence = allocate(sizeof(SequenceEntry));
  new (sequence.get()) SequenceEntry{0, tokens, past, 0};
  const auto block_table = allocate(static_cast<std::size_t>(pages) * sizeof(std::int32_t));
  auto* page_numbers = reinterpret_cast<std::int32_t*>(block_table.get());
  std::iota(page_numbers, page_numbers + pages, 0);

  const TensorArg pages_argument =
      argument(cache, Dtype::f16, {1, pages, 2, shape.kv_heads, kPageTokens * shape.head_dim});
  run_kernel(state, kernel_of("RotaryKvWrite"),
             {pages_argument, argument(k, Dtype::f32, {tokens, shape.kv_heads, shape.head_dim}),
              argument(v, Dtype::f32, {tokens, shape.kv_heads, shape.head_dim}),
              argument(sequence, Dtype::i32, {1, 4}), argument(block_table, Dtype::i32, {pages}),
              argument(table, Dtype::f32, {tokens, shape.head_dim}),
              argument(q, Dtype::f32, {tokens, shape.heads, shape.head_dim})},
             {pages_argument, argument(turned, Dtype::f32, {tokens, shape.heads, shape.head_dim})},
             {{.integer = 0}, {.integer = 0}}, threads);
  state.SetItemsProcessed(state.iterations() * tokens);
}

const bool kRegistered = [] {
  static constexpr Heads kShapes[] = {{"9x64", 9, 3, 64}, {"4x256", 4, 1, 256}};
  for (const auto& shape : kShapes)
    for (const auto& [name, tokens, past] :
         {std::tuple{"prefill512", 512, 0}, std::tuple{"decode512", 1, 511}})
      for (const int threads : {1, 2})
        benchmark::RegisterBenchmark(
            (std::string(name) + "/" + shape.name + "/threads:" + std::to_string(threads)).c_str(),
            [&shape, tokens = tokens, past = past, threads](benchmark::State& state) {
              write(state, shape, tokens, past, threads);
            })
            ->UseRealTime();
  return true;
}();

}  // namespace
}  // namespace lathe
