// Linear over float layouts, shapes, tokens and threads, for the ISA level that LATHE_ISA chooses. Each call
// takes the next of several copies of the weights, so that they come from memory as in a model, not from the
// cache. GB/s counts the weights, GOP/s two operations per weight and token (limit_share.h).
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "kernel_run.h"
#include "limit_share.h"
#include "quant/block_format.h"
#include "tensor/dtype.h"

namespace lathe {
namespace {

struct Shape {
  std::int64_t rows, columns;
};

struct Product {
  const char* kernel;
  Dtype activation;
  Dtype weight;
};

constexpr Product kProducts[] = {{".bf16", Dtype::bf16, Dtype::packed_bf16},
                                 {".packed_bf16", Dtype::f32, Dtype::packed_bf16},
                                 {".packed_f16", Dtype::f32, Dtype::packed_f16},
                                 {".packed_f32", Dtype::f32, Dtype::packed_f32}};

constexpr std::size_t kWeightBytes = 160u << 20;  // of all copies: far more than a cache holds

void multiply(benchmark::State& state, const Product& product, Shape shape, std::int64_t tokens,
              int threads) {
  const std::size_t bytes = packed_bytes(product.weight, shape.rows, shape.columns);
  const std::size_t copies = kWeightBytes / bytes + 1;
  const auto weights = allocate(copies * bytes);
  const auto x = allocate(static_cast<std::size_t>(tokens) * row_bytes(product.activation, shape.columns));
  const auto output = allocate(static_cast<std::size_t>(tokens * shape.rows) * sizeof(float));
  std::size_t copy = 0;
  run_kernel(state, kernel_of("Linear", product.kernel),
             {argument(x, product.activation, {tokens, shape.columns}),
              argument(weights, product.weight, {shape.rows, shape.columns})},
             {argument(output, Dtype::f32, {tokens, shape.rows})}, {}, threads,
             [&](std::vector<TensorArg>& inputs) {
               inputs[1].data = weights.get() + copy * bytes;
               copy = (copy + 1) % copies;
             });
  count_bytes(state, static_cast<double>(bytes), threads);
  count_operations(state, 2 * static_cast<double>(shape.rows * shape.columns * tokens),
                   product.activation == Dtype::bf16 ? DotOperand::bf16 : DotOperand::f32, threads);
}

const bool kRegistered = [] {
  for (const auto& product : kProducts)
    for (const Shape shape : {Shape{1536, 576}, Shape{576, 1536}, Shape{49152, 576}, Shape{2048, 8192}})
      for (const std::int64_t tokens : {1, 4, 16, 64, 512})
        for (const int threads : {1, 2})
          benchmark::RegisterBenchmark(
              (kernel_of("Linear", product.kernel).name + "/" + std::to_string(shape.rows) + "x" +
               std::to_string(shape.columns) + "/tokens:" + std::to_string(tokens) +
               "/threads:" + std::to_string(threads))
                  .c_str(),
              [&product, shape, tokens, threads](benchmark::State& state) {
                multiply(state, product, shape, tokens, threads);
              })
              ->UseRealTime()
              ->Unit(benchmark::kMicrosecond);
  return true;
}();

}  // namespace
}  // namespace lathe
