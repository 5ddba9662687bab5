// Linear over float layouts, shapes, tokens and threads, for the ISA level that LATHE_ISA chooses. Each call
// takes the next of several copies of the weights, so that they come from memory as in a model, not from the
// cache. GB/s counts the weights, GOP/s two operations per weight and token (limit_share.h).
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
  const Dtype type = kernel.arithmetic == "bf16" ? Dtype::bf16 : Dtype::f32;
  const std::size_t bytes = packed_bytes(layout, shape.rows, shape.columns);
  const std::size_t copies = kWeightBytes / bytes + 1;
  const auto weights = allocate(copies * bytes);
  const auto activations = allocate(static_cast<std::size_t>(tokens) * row_bytes(type, shape.columns));
  const auto output = allocate(static_cast<std::size_t>(tokens * shape.rows) * sizeof(float));
  TensorArg inputs[2] = {tensor(activations.get(), type, tokens, shape.columns),
                         tensor(weights.get(), layout, shape.rows, shape.columns)};
  const TensorArg result = tensor(output.get(), Dtype::f32, tokens, shape.rows);
  const KernelCall call{inputs, &result, nullptr, nullptr, 2, 0, threads};
  ThreadPool pool(threads);

  std::size_t copy = 0;
  const auto task = [&](int thread) {
    KernelCall own = call;
    own.thread = thread;
    kernel.run(own);
  };
  for (auto _ : state) {
    inputs[1].data = weights.get() + copy * bytes;
    pool.run(task);
    copy = (copy + 1) % copies;
  }
  count_bytes(state, static_cast<double>(bytes), threads);
  count_operations(state, 2 * static_cast<double>(shape.rows * shape.columns * tokens),
                   type == Dtype::bf16 ? DotOperand::bf16 : DotOperand::f32, threads);
}

/// What "linear.packed_f16" multiplies; the kernel with activations in bf16 is called after them.
Dtype layout_of(const Kernel& kernel) {
  const std::string name = kernel.name.substr(kernel.name.rfind('.') + 1);
  return name == "bf16" ? Dtype::packed_bf16 : *dtype_named(name);
}

/// The best of each name that the level has.
std::vector<Kernel> best_kernels() {
  std::vector<Kernel> best;
  for (const auto& kernel : cpu_kernels(chosen_isa())) {
    if (kernel.op != "Linear") continue;
    const auto known = std::ranges::find_if(best, [&kernel](const Kernel& other) {
      return other.name.substr(other.name.find('.')) == kernel.name.substr(kernel.name.find('.'));
    });
    if (known == best.end())
      best.push_back(kernel);
    else if (known->rank < kernel.rank)
      *known = kernel;
  }
  return best;
}

const bool kRegistered = [] {
  static const std::vector<Kernel> kKernels = best_kernels();
  for (const auto& kernel : kKernels)
    for (const Shape shape : {Shape{1536, 576}, Shape{576, 1536}, Shape{49152, 576}, Shape{2048, 8192}})
      for (const std::int64_t tokens : {1, 4, 16, 64, 512})
        for (const int threads : {1, 2})
          benchmark::RegisterBenchmark(
              (kernel.name + "/" + std::to_string(shape.rows) + "x" + std::to_string(shape.columns) +
               "/tokens:" + std::to_string(tokens) + "/threads:" + std::to_string(threads))
                  .c_str(),
              [&kernel, shape, tokens, threads](benchmark::State& state) {
                multiply(state, kernel, layout_of(kernel), shape, tokens, threads);
              })
              ->UseRealTime()
              ->Unit(benchmark::kMicrosecond);
  return true;
}();

}  // namespace
}  // namespace lathe
