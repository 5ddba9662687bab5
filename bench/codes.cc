// ConvCodes and LinearCodes beside Conv and Linear in float32 and Conv with weights in bf16, at the shapes of
// ResNet-50, MobileNet v2 and a sentence encoder, for the ISA level that LATHE_ISA chooses. x and y of codes
// are u8. GOP/s counts two operations for each product.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "graph/code_product.h"
#include "kernel_run.h"
#include "tensor/dtype.h"

namespace lathe {
namespace {

struct Convolution {
  const char* name;
  std::int64_t channels, rows, size, kernel, stride, group;

  std::int64_t output() const { return (size + kernel / 2 * 2 - kernel) / stride + 1; }
};

constexpr Convolution kConvolutions[] = {{"7x7", 3, 64, 224, 7, 2, 1},
                                         {"1x1", 64, 64, 56, 1, 1, 1},
                                         {"3x3", 64, 64, 56, 3, 1, 1},
                                         {"1x1", 64, 256, 56, 1, 1, 1},
                                         {"1x1", 256, 64, 56, 1, 1, 1},
                                         {"3x3", 128, 128, 56, 3, 2, 1},
                                         {"3x3", 128, 128, 28, 3, 1, 1},
                                         {"1x1", 512, 128, 28, 1, 1, 1},
                                         {"3x3", 256, 256, 14, 3, 1, 1},
                                         {"1x1", 1024, 256, 14, 1, 1, 1},
                                         {"3x3", 512, 512, 7, 3, 1, 1},
                                         {"1x1", 512, 2048, 7, 1, 1, 1},
                                         {"1x1", 2048, 512, 7, 1, 1, 1},
                                         {"1x1", 1024, 2048, 14, 1, 2, 1},
                                         {"groups_3x3", 128, 128, 14, 3, 1, 32},
                                         {"channels_3x3", 32, 32, 112, 3, 1, 32},
                                         {"channels_3x3", 96, 96, 112, 3, 2, 96},
                                         {"channels_3x3", 58, 58, 28, 3, 1, 58},
                                         {"channels_3x3", 384, 384, 14, 3, 1, 384},
                                         {"channels_3x3", 960, 960, 7, 3, 1, 960},
                                         {"channels_5x5", 240, 240, 28, 5, 1, 240}};

enum class Numbers { f32, bf16, codes };

struct Product {
  std::int64_t tokens, columns, rows;
};

constexpr Product kProducts[] = {{128, 384, 384}, {128, 384, 1536}, {128, 1536, 384}, {16, 384, 384},
                                 {4, 384, 384},   {1, 384, 1536},   {1, 2048, 1000}};

void count_products(benchmark::State& state, std::int64_t products) {
  state.counters["GOP/s"] =
      benchmark::Counter(2e-9 * static_cast<double>(products), benchmark::Counter::kIsIterationInvariantRate);
}

/// The inputs of an op on codes behind x and the weights, and what they point to.
struct CodeInputs {
  AlignedBytes factors;
  AlignedBytes bias;
  AlignedBytes number = allocate(sizeof(float));
  std::vector<TensorArg> all;

  CodeInputs(const TensorArg& x, const TensorArg& weight)
      : factors(allocate(static_cast<std::size_t>(weight.dims[0]) * sizeof(float))),
        bias(allocate(static_cast<std::size_t>(weight.dims[0]) * sizeof(float))),
        all(code_product::kInputs, argument(number, Dtype::none, {0})) {
    all[code_product::kX] = x;
    all[code_product::kWeight] = weight;
    all[code_product::kFactors] = argument(factors, Dtype::f32, {weight.dims[0]});
    all[code_product::kBias] = argument(bias, Dtype::f32, {weight.dims[0]});
    all[code_product::kXZero] = all[code_product::kYZero] = argument(number, Dtype::u8, {});
    all[code_product::kYScale] = argument(number, Dtype::f32, {});
  }
};

constexpr AttributeValue kLeast{.real = 0};
constexpr AttributeValue kMost{.real = 6};

void convolve(benchmark::State& state, const Convolution& shape, Numbers numbers, int threads) {
  const bool codes = numbers == Numbers::codes;
  const std::int64_t channels = shape.channels / shape.group;
  const std::int64_t output = shape.output();
  const std::string pad = std::to_string(shape.kernel / 2);
  const std::string pads = pad + "," + pad + "," + pad + "," + pad;
  const std::string strides = std::to_string(shape.stride) + "," + std::to_string(shape.stride);
  std::vector<AttributeValue> attributes = {{.text = ""}, {.text = ""},           {.integer = shape.group},
                                            {.text = ""}, {.text = pads.c_str()}, {.text = strides.c_str()}};
  const std::size_t element = codes ? 1 : sizeof(float);
  const Dtype weight_type = codes ? Dtype::i8 : numbers == Numbers::bf16 ? Dtype::bf16 : Dtype::f32;
  const auto bytes = [&](std::int64_t count) { return allocate(static_cast<std::size_t>(count) * element); };
  const auto x = bytes(shape.channels * shape.size * shape.size);
  const auto weight = bytes(shape.rows * channels * shape.kernel * shape.kernel);
  const auto y = bytes(shape.rows * output * output);
  const auto x_argument =
      argument(x, codes ? Dtype::u8 : Dtype::f32, {1, shape.channels, shape.size, shape.size});
  const auto weight_argument =
      argument(weight, weight_type, {shape.rows, channels, shape.kernel, shape.kernel});
  const auto y_argument = argument(y, codes ? Dtype::u8 : Dtype::f32, {1, shape.rows, output, output});
  const CodeInputs inputs(x_argument, weight_argument);
  if (codes) {
    attributes.insert(attributes.end(), {kLeast, kMost});
    run_kernel(state, kernel_of("ConvCodes", channels == 1 ? ".depthwise" : ".dense"), inputs.all,
               {y_argument}, attributes, threads);
  } else {
    run_kernel(state, kernel_of("Conv", numbers == Numbers::bf16 ? ".pairs" : ".f32"),
               {x_argument, weight_argument, inputs.all[code_product::kBias]}, {y_argument}, attributes,
               threads);
  }
  count_products(state, shape.rows * output * output * channels * shape.kernel * shape.kernel);
}

void multiply(benchmark::State& state, const Product& shape, Numbers numbers, int threads) {
  const bool codes = numbers == Numbers::codes;
  const std::size_t element = codes ? 1 : sizeof(float);
  const auto x = allocate(static_cast<std::size_t>(shape.tokens * shape.columns) * element);
  const auto weight = allocate(static_cast<std::size_t>((shape.rows + 16) * shape.columns) * element);
  const auto y = allocate(static_cast<std::size_t>(shape.tokens * shape.rows) * element);
  const auto x_argument = argument(x, codes ? Dtype::u8 : Dtype::f32, {shape.tokens, shape.columns});
  const auto y_argument = argument(y, codes ? Dtype::u8 : Dtype::f32, {shape.tokens, shape.rows});
  if (codes) {
    const CodeInputs inputs(x_argument, argument(weight, Dtype::i8, {shape.rows, shape.columns}));
    run_kernel(state, kernel_of("LinearCodes"), inputs.all, {y_argument}, {kLeast, kMost}, threads);
  } else {
    run_kernel(state, kernel_of("Linear", ".packed_f32"),
               {x_argument, argument(weight, Dtype::packed_f32, {shape.rows, shape.columns})}, {y_argument},
               {}, threads);
  }
  count_products(state, shape.tokens * shape.columns * shape.rows);
}

template <class Run>
void add(const std::string& name, std::initializer_list<Numbers> kinds, Run run) {
  constexpr const char* kNames[] = {"/f32", "/bf16", "/codes"};
  for (const int threads : {1, 2})
    for (const Numbers numbers : kinds)
      benchmark::RegisterBenchmark(
          (name + "/threads:" + std::to_string(threads) + kNames[static_cast<int>(numbers)]).c_str(),
          [run, numbers, threads](benchmark::State& state) { run(state, numbers, threads); })
          ->UseRealTime()
          ->Unit(benchmark::kMicrosecond);
}

const bool kRegistered = [] {
  for (const auto& shape : kConvolutions)
    add(std::string(shape.name) + "/" + std::to_string(shape.channels) + "x" + std::to_string(shape.rows) +
            "/" + std::to_string(shape.size) + "/stride:" + std::to_string(shape.stride),
        {Numbers::f32, Numbers::bf16, Numbers::codes},
        [&shape](benchmark::State& state, Numbers numbers, int threads) {
          convolve(state, shape, numbers, threads);
        });
  for (const auto& shape : kProducts)
    add("tokens:" + std::to_string(shape.tokens) + "/" + std::to_string(shape.columns) + "x" +
            std::to_string(shape.rows),
        {Numbers::f32, Numbers::codes}, [&shape](benchmark::State& state, Numbers numbers, int threads) {
          multiply(state, shape, numbers, threads);
        });
  return true;
}();

}  // namespace
}  // namespace lathe
