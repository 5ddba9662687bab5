// FusedLinear in the shapes of SmolLM2's layers: queries, keys and values at once; the gated pair whose
// product is quantized; the product that the residual is added to. Each call takes the next of several copies
// of the weights, so that they come from memory as in a model.
#include <benchmark/benchmark.h>

#include <numeric>
#include <string>
#include <vector>

#include "graph/fused_program_text.h"
#include "kernel_run.h"
#include "limit_share.h"
#include "quant/block_format.h"
#include "random_activation.h"
#include "tensor/dtype.h"

namespace lathe {
namespace {

struct Layer {
  const char* name;
  const char* program;
  std::int64_t columns;
  std::vector<std::int64_t> rows;     // of the weights
  std::vector<std::int64_t> outputs;  // columns
  bool residual;                      // a further input, as the output
};

constexpr std::size_t kWeightBytes = 160u << 20;  // of all copies: far more than a cache holds

void multiply(benchmark::State& state, const Layer& layer, Dtype layout, std::int64_t tokens, int threads) {
  const FusedProgram program = parse_fused_program(layer.program);
  std::size_t bytes = 0;
  for (const auto rows : layer.rows) bytes += packed_bytes(layout, rows, layer.columns);
  const std::size_t copies = kWeightBytes / bytes + 1;
  const auto weights = allocate(copies * bytes);
  const auto x = allocate(static_cast<std::size_t>(tokens) * row_bytes(Dtype::a8, layer.columns));
  fill_activation(x.get(), tokens, layer.columns);
  const auto residual = allocate(static_cast<std::size_t>(tokens * layer.outputs[0]) * sizeof(float));

  std::vector<TensorArg> inputs = {argument(x, Dtype::a8, {tokens, layer.columns})};
  for (const auto rows : layer.rows) inputs.push_back(argument(weights, layout, {rows, layer.columns}));
  if (layer.residual) inputs.push_back(argument(residual, Dtype::f32, {tokens, layer.outputs[0]}));
  std::vector<AlignedBytes> results;
  std::vector<TensorArg> outputs;
  for (std::size_t i = 0; i < layer.outputs.size(); ++i) {
    results.push_back(allocate(static_cast<std::size_t>(tokens * layer.outputs[i]) * sizeof(float)));
    outputs.push_back(
        argument(results.back(), program.quantized[i] ? Dtype::a8 : Dtype::f32, {tokens, layer.outputs[i]}));
  }
  std::size_t copy = 0;
  const auto advance = [&](std::vector<TensorArg>& changed) {
    std::byte* place = weights.get() + copy * bytes;
    for (std::size_t i = 0; i < layer.rows.size(); ++i) {
      changed[1 + i].data = place;
      place += packed_bytes(layout, layer.rows[i], layer.columns);
    }
    copy = (copy + 1) % copies;
  };
  run_kernel(state, kernel_of("FusedLinear", ".codes"), inputs, outputs,
             {{.program = &program}, {.integer = static_cast<std::int64_t>(layer.rows.size())}}, threads,
             advance);
  const auto rows = std::accumulate(layer.rows.begin(), layer.rows.end(), std::int64_t{0});
  count_bytes(state, static_cast<double>(bytes), threads);
  count_operations(state, 2.0 * static_cast<double>(rows * layer.columns * tokens), DotOperand::int8,
                   threads);
}

const bool kRegistered = [] {
  static const std::vector<Layer> kLayers = {
      {"qkv", "o0 = w0; o1 = w1; o2 = w2", 576, {576, 192, 192}, {576, 192, 192}, false},
      {"gated", "o0 = quantize(mul(swish(w0), w1))", 576, {1536, 1536}, {1536}, false},
      {"residual", "o0 = add(w0, x0)", 1536, {576}, {576}, true},
  };
  for (const auto& layer : kLayers)
    for (const auto* layout : {"packed4", "packed4m", "packed8"})
      for (const std::int64_t tokens : {1, 8, 32, 512})
        for (const int threads : {1, 2})
          benchmark::RegisterBenchmark((std::string(layer.name) + "/" + layout + "/tokens:" +
                                        std::to_string(tokens) + "/threads:" + std::to_string(threads))
                                           .c_str(),
                                       [&layer, layout, tokens, threads](benchmark::State& state) {
                                         multiply(state, layer, dtype_named(layout).value(), tokens, threads);
                                       })
              ->UseRealTime()
              ->Unit(benchmark::kMicrosecond);
  return true;
}();

}  // namespace
}  // namespace lathe
