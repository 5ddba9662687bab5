// QuantizedLinear over packed layouts, shapes, tokens and threads, for the ISA level that LATHE_ISA chooses.
// Each call takes the next of several copies of the weights, so that they come from memory as in a model, not
// from the cache. GB/s counts the weights, GOP/s two operations per weight and token.
#include <benchmark/benchmark.h>

#include <algorithm>
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

struct Shape {
  std::int64_t rows, columns;
};

constexpr std::size_t kWeightBytes = 160u << 20;  // of all copies: far more than a cache holds

TensorArg tensor(std::byte* data, Dtype dtype, std::int64_t rows, std::int64_t columns) {
  return {data, {rows, columns}, 2, static_cast<std::int32_t>(dtype)};
}

void multiply(benchmark::State& state, const Kernel& kernel, Dtype layout, Shape shape, std::int64_t tokens,
              int threads) {
  const std::size_t bytes = packed_bytes(layout, shape.rows, shape.columns);
  const std::size_t copies = kWeightBytes / bytes + 1;
  const auto weights = allocate(copies * bytes);
  const auto activations = allocate(static_cast<std::size_t>(tokens) * row_bytes(Dtype::a8, shape.columns));
  fill_activation(activations.get(), tokens, shape.columns);
  const auto output = allocate(static_cast<std::size_t>(tokens * shape.rows) * sizeof(float));
  TensorArg inputs[2] = {tensor(activations.get(), Dtype::a8, tokens, shape.columns),
                         tensor(weights.get(), layout, shape.rows, shape.columns)};
  const TensorArg result = tensor(output.get(), Dtype::f32, tokens, shape.rows);
  const KernelCall call{inputs, &result, nullptr, nullptr, 2, 0, threads};
  const std::size_t scratch_bytes =
      kernel.scratch_bytes != nullptr ? kernel.scratch_bytes(call) / 64 * 64 + 64 : 0;
  const auto scratch = allocate(scratch_bytes * static_cast<std::size_t>(threads));
  ThreadPool pool(threads);

  std::size_t copy = 0;
  const auto task = [&](int thread) {
    KernelCall own = call;
    own.thread = thread;
    own.scratch = scratch.get() + static_cast<std::size_t>(thread) * scratch_bytes;
    kernel.run(own);
  };
  for (auto _ : state) {
    inputs[1].data = weights.get() + copy * bytes;
    pool.run(task);
    copy = (copy + 1) % copies;
  }
  count_bytes(state, static_cast<double>(bytes), threads);
  count_operations(state, 2.0 * static_cast<double>(shape.rows * shape.columns * tokens), DotOperand::int8,
                   threads);
}

const bool kRegistered = [] {
  static const std::vector<Kernel> kKernels = cpu_kernels(chosen_isa());
  for (const auto& kernel : kKernels) {
    if (kernel.op != "QuantizedLinear" ||
        !kernel.name.starts_with(isa_name(std::min(chosen_isa(), IsaLevel::avx512))))
      continue;
    const auto named = dtype_named(kernel.name.substr(kernel.name.rfind('.') + 1));
    if (!named) continue;  // reads blocks as files have them
    const Dtype layout = *named;
    for (const Shape shape : {Shape{1536, 576}, Shape{576, 1536}, Shape{49152, 576}, Shape{2048, 8192}}) {
      if (shape.columns % info(layout).block_elements != 0) continue;
      for (const std::int64_t tokens : {1, 4, 8, 16, 32, 64, 512})
        for (const int threads : {1, 2})
          benchmark::RegisterBenchmark(
              (kernel.name + "/" + std::to_string(shape.rows) + "x" + std::to_string(shape.columns) +
               "/tokens:" + std::to_string(tokens) + "/threads:" + std::to_string(threads))
                  .c_str(),
              [&kernel, layout, shape, tokens, threads](benchmark::State& state) {
                multiply(state, kernel, layout, shape, tokens, threads);
              })
              ->UseRealTime()
              ->Unit(benchmark::kMicrosecond);
    }
  }
  return true;
}();

}  // namespace
}  // namespace lathe
