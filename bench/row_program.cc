// What stands between matrix products: RowProgram with a residual, a normalization and quantization, and
// QuantizeActivation alone. Rows lie in the cache, so no limit is counted; GB/s are of what is read and
// written.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "graph/fused_program_text.h"
#include "kernel_run.h"
#include "tensor/dtype.h"

namespace lathe {
namespace {

constexpr std::int64_t kColumns[] = {576, 2048};

void count(benchmark::State& state, std::size_t bytes) {
  state.counters["GB/s"] =
      benchmark::Counter(static_cast<double>(state.iterations()) * static_cast<double>(bytes) * 1e-9,
                         benchmark::Counter::kIsRate);
}

void normalize(benchmark::State& state, std::int64_t tokens, std::int64_t columns, int threads) {
  const FusedProgram program = parse_fused_program("o0 = add(x0, x1); o1 = quantize(rms(o0, x2, 1e-05))");
  const auto numbers = static_cast<std::size_t>(tokens * columns) * sizeof(float);
  const auto x = allocate(numbers);
  const auto residual = allocate(numbers);
  const auto scale = allocate(static_cast<std::size_t>(columns) * sizeof(float));
  const auto sum = allocate(numbers);
  const std::size_t codes_bytes = static_cast<std::size_t>(tokens) * row_bytes(Dtype::a8, columns);
  const auto codes = allocate(codes_bytes);
  run_kernel(state, kernel_of("RowProgram", ".rows"),
             {argument(x, Dtype::f32, {tokens, columns}), argument(residual, Dtype::f32, {tokens, columns}),
              argument(scale, Dtype::f32, {columns})},
             {argument(sum, Dtype::f32, {tokens, columns}), argument(codes, Dtype::a8, {tokens, columns})},
             {{.program = &program}}, threads);
  count(state, 3 * numbers + codes_bytes);
}

void quantize(benchmark::State& state, std::int64_t tokens, std::int64_t columns, int threads) {
  const auto numbers = static_cast<std::size_t>(tokens * columns) * sizeof(float);
  const auto x = allocate(numbers);
  const std::size_t codes_bytes = static_cast<std::size_t>(tokens) * row_bytes(Dtype::a8, columns);
  const auto codes = allocate(codes_bytes);
  run_kernel(state, kernel_of("QuantizeActivation"), {argument(x, Dtype::f32, {tokens, columns})},
             {argument(codes, Dtype::a8, {tokens, columns})}, {}, threads);
  count(state, numbers + codes_bytes);
}

const bool kRegistered = [] {
  for (const auto columns : kColumns)
    for (const std::int64_t tokens : {1, 8, 512})
      for (const int threads : {1, 2}) {
        const std::string shape =
            std::to_string(tokens) + "x" + std::to_string(columns) + "/threads:" + std::to_string(threads);
        benchmark::RegisterBenchmark(("add_rms_quantize/" + shape).c_str(), normalize, tokens, columns,
                                     threads)
            ->UseRealTime();
        benchmark::RegisterBenchmark(("quantize/" + shape).c_str(), quantize, tokens, columns, threads)
            ->UseRealTime();
      }
  return true;
}();

}  // namespace
}  // namespace lathe
