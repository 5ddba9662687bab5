#include "parity/rows_window.h"

#include <deque>

#include "base/half.h"
#include "graph/graph.h"

namespace lathe::parity {
namespace {

/// Texts of attributes, which cases point to.
const char* kept(const std::string& text) {
  static std::deque<std::string> texts;
  return texts.emplace_back(text).c_str();
}

/// The inputs are constants of a graph, so that the rule may read them.
Case make_case(std::string_view op, std::vector<Tensor> inputs, const Attributes& attributes) {
  Graph graph;
  std::vector<ValueId> ids;
  for (const auto& input : inputs)
    ids.push_back(graph.add_constant("in", {input.bytes.data(), input.dtype, input.dims}, nullptr));
  const auto outputs = graph.add_node(op, "node", ids, attributes);
  const Node& node = graph.nodes.back();
  Case test{std::string(op), op, std::move(inputs), {}, {}};
  for (const auto& input : test.inputs)
    test.name += " " + to_string(ValueType{input.dtype, {input.dims.begin(), input.dims.end()}});
  for (const auto& spec : node.op->attributes) {
    if (spec.kind == AttributeKind::integer)
      test.attributes.push_back(integer(node.integer(spec.name)));
    else if (spec.kind == AttributeKind::real)
      test.attributes.push_back(real(node.real(spec.name)));
    else
      test.attributes.push_back(text(kept(node.text(spec.name))));
    if (spec.kind == AttributeKind::text) test.name += " " + node.text(spec.name);
  }
  for (const auto id : outputs) {
    Shape dims;
    for (const auto& dim : graph.value(id).type.dims) dims.push_back(dim.value);
    test.outputs.push_back(empty(graph.value(id).type.dtype, dims));
  }
  return test;
}

/// Small numbers of any type: whole where it has no others.
Tensor numbers(Dtype dtype, Shape dims, std::uint32_t seed = 1) {
  Random random(seed);
  Tensor tensor = empty(dtype, std::move(dims));
  std::normal_distribution<float> normal;
  const std::size_t size = info(dtype).block_bytes;
  for (std::size_t i = 0; i * size < tensor.bytes.size(); ++i) {
    const float number = normal(random);
    if (dtype == Dtype::f32) tensor.as<float>()[i] = number;
    if (dtype == Dtype::f64) tensor.as<double>()[i] = static_cast<double>(number);
    if (dtype == Dtype::f16) tensor.as<std::uint16_t>()[i] = float_to_half(number);
    if (dtype == Dtype::bf16) tensor.as<std::uint16_t>()[i] = float_to_bfloat(number);
    if (dtype == Dtype::i16 || dtype == Dtype::u16)
      tensor.as<std::uint16_t>()[i] = static_cast<std::uint16_t>(random() % 100);
    if (dtype == Dtype::i32 || dtype == Dtype::u32)
      tensor.as<std::uint32_t>()[i] = static_cast<std::uint32_t>(random() % 1000);
    if (dtype == Dtype::i64) tensor.as<std::int64_t>()[i] = random() % 1000;
    if (size == 1) tensor.bytes[i] = static_cast<std::byte>(random() % (dtype == Dtype::boolean ? 2 : 256));
  }
  return tensor;
}

Tensor positive(Dtype dtype, Shape dims) {
  Tensor tensor = numbers(dtype, std::move(dims), 5);
  for (auto& byte : tensor.bytes) byte = std::byte{0x3c};  // a little above zero in every float type
  return tensor;
}

Tensor whole(std::vector<std::int64_t> values) {
  Tensor tensor = empty(Dtype::i64, {static_cast<std::int64_t>(values.size())});
  std::copy(values.begin(), values.end(), tensor.as<std::int64_t>());
  return tensor;
}

Tensor reals(std::vector<float> values) {
  Tensor tensor = empty(Dtype::f32, {static_cast<std::int64_t>(values.size())});
  std::copy(values.begin(), values.end(), tensor.as<float>());
  return tensor;
}

Tensor number(float value) {
  Tensor tensor = reals({value});
  tensor.dims = {};
  return tensor;
}

Tensor absent() { return empty(Dtype::none, {0}, 0); }

constexpr Dtype kFloats[] = {Dtype::f32, Dtype::f64, Dtype::f16, Dtype::bf16};

using Cases = std::vector<Case>;

Case conv_case(const Shape& x, const Shape& weight, const Attributes& attributes, bool with_bias) {
  std::vector<Tensor> inputs = {numbers(Dtype::f32, x), numbers(Dtype::f32, weight, 2)};
  if (with_bias) inputs.push_back(numbers(Dtype::f32, {weight[0]}, 3));
  return make_case("Conv", std::move(inputs), attributes);
}

Case with_rounded_weights(Case test) {
  Tensor& weight = test.inputs[1];
  Tensor rounded = empty(Dtype::bf16, weight.dims);
  for (std::int64_t i = 0; i < element_count(weight.dims); ++i)
    rounded.as<std::uint16_t>()[i] = float_to_bfloat(weight.as<float>()[i]);
  weight = std::move(rounded);
  test.name += " in bf16";
  return test;
}

/// With products and sums that are no normal numbers.
Case tiny_conv_case() {
  Case test = conv_case({1, 9, 5, 40}, {6, 9, 2, 3}, {{"pads", "0,1,1,1"}}, false);
  for (std::int64_t i = 0; i < element_count(test.inputs[0].dims); ++i)
    test.inputs[0].as<float>()[i] *= 1e-37f;
  return test;
}

/// The same cases with weights in bf16.
void add_rounded(Cases& cases) {
  const std::size_t count = cases.size();
  for (std::size_t i = 0; i < count; ++i) cases.push_back(with_rounded_weights(cases[i]));
}

Cases conv_cases() {
  Cases cases = {
      conv_case({1, 3, 9, 11}, {5, 3, 3, 3}, {{"pads", "1,1,1,1"}}, true),
      conv_case({2, 4, 8, 7}, {6, 2, 3, 2}, {{"group", 2}, {"strides", "2,3"}, {"pads", "0,2,1,0"}}, true),
      conv_case({1, 70, 5, 5}, {17, 70, 2, 2}, {{"dilations", "2,1"}}, false),  // two blocks of the depth
      conv_case({1, 6, 13, 25}, {9, 6, 1, 1}, {}, true),
      conv_case({1, 40, 3, 3}, {64, 40, 3, 3}, {{"auto_pad", "SAME_UPPER"}}, true),  // threads share rows
      conv_case({2, 5, 9, 9}, {5, 1, 3, 3}, {{"group", 5}, {"pads", "1,1,1,1"}, {"strides", "2,2"}}, true),
      conv_case({1, 3, 12, 83}, {3, 1, 5, 3}, {{"group", 3}, {"pads", "2,1,2,1"}, {"dilations", "1,3"}},
                false),
      conv_case({1, 2, 7, 70}, {2, 1, 2, 4}, {{"group", 2}, {"pads", "5,6,0,3"}, {"strides", "1,3"}}, true),
      conv_case({2, 3, 40, 57}, {3, 1, 1, 1}, {{"group", 3}}, true),
      conv_case({2, 3, 30}, {3, 1, 4}, {{"group", 3}, {"strides", "2"}}, true),
      conv_case({1, 2, 40}, {3, 2, 5}, {{"auto_pad", "SAME_LOWER"}, {"strides", "2"}}, true),
      conv_case({1, 2, 4, 5, 6}, {3, 2, 2, 3, 2}, {{"pads", "1,0,1,0,1,0"}}, true),
      conv_case({1, 1, 1, 1}, {1, 1, 3, 3}, {{"pads", "4,4,4,4"}, {"strides", "3,3"}}, true),
      conv_case({1, 0, 3, 3}, {4, 0, 2, 2}, {}, true),
      conv_case({0, 2, 3, 3}, {4, 2, 2, 2}, {}, true),
      conv_case({3, 2, 2, 70}, {8, 2, 1, 7}, {{"dilations", "1,9"}}, false),
      // rows in lanes: lines of every width, blocks of the depth, areas in place and copied, one line in
      // parts
      conv_case({1, 33, 7, 7}, {63, 33, 3, 3}, {{"pads", "1,1,1,1"}}, true),
      conv_case({2, 140, 9, 12}, {80, 70, 3, 1}, {{"group", 2}, {"strides", "2,2"}, {"pads", "0,1,1,2"}},
                true),
      conv_case({1, 8, 5, 290}, {32, 8, 3, 3}, {{"dilations", "1,2"}, {"pads", "1,0,0,3"}}, false),
      conv_case({2, 300, 1, 275}, {32, 300, 1, 1}, {}, true),
      conv_case({1, 20, 61}, {112, 20, 5}, {{"strides", "2"}, {"pads", "2,4"}}, true),
      conv_case({1, 64, 2, 2}, {48, 64, 1, 1}, {{"pads", "3,0,0,4"}, {"strides", "2,1"}}, true),
  };
  add_rounded(cases);
  cases.push_back(with_rounded_weights(  // two blocks of the depth, which is odd
      conv_case({1, 65, 6, 7}, {19, 65, 3, 3}, {{"pads", "1,1,1,1"}, {"strides", "2,2"}}, true)));
  cases.push_back(with_rounded_weights(tiny_conv_case()));
  for (const Dtype dtype : {Dtype::f64, Dtype::f16, Dtype::bf16})
    cases.push_back(
        make_case("Conv", {numbers(dtype, {2, 4, 6, 5}), numbers(dtype, {6, 2, 3, 2}), numbers(dtype, {6})},
                  {{"group", 2}, {"pads", "1,1,0,1"}, {"strides", "2,1"}}));
  return cases;
}

/// Convolutions with epilogues: operands are of the result's shape, or one number.
Cases fused_conv_cases() {
  const auto fused = [](const Shape& x, const Shape& weight, Attributes attributes,
                        std::vector<Tensor> operands, bool with_bias = true) {
    std::vector<Tensor> inputs = {numbers(Dtype::f32, x), numbers(Dtype::f32, weight, 2),
                                  with_bias ? numbers(Dtype::f32, {weight[0]}, 3) : absent()};
    for (auto& operand : operands) inputs.push_back(std::move(operand));
    attributes.insert({{"alpha", -0.25}, {"beta", 1.5}});
    return make_case("FusedConv", std::move(inputs), attributes);
  };
  const Shape image = {2, 5, 9, 11};
  const Shape filters = {6, 5, 3, 3};
  Cases cases;
  for (const char* epilogue : {"relu", "clip", "leaky_relu", "sigmoid", "swish", "tanh", "gelu", "gelu_tanh",
                               "hard_sigmoid", "hard_swish, relu"})
    cases.push_back(fused(image, filters, {{"epilogue", epilogue}, {"pads", "1,1,1,1"}}, {}));
  for (const char* epilogue : {"add, relu", "mul", "swish, max", "min, clip, gelu"})
    for (const Shape& operand : {Shape{2, 6, 7, 9}, Shape{1, 1, 1, 1}, Shape{}})
      cases.push_back(
          fused(image, filters, {{"epilogue", epilogue}}, {numbers(Dtype::f32, operand, 9)}, false));
  cases.push_back(fused({1, 300, 5, 20}, {20, 300, 1, 1}, {{"epilogue", "add, mul"}},
                        {numbers(Dtype::f32, {1, 20, 5, 20}, 4), number(0.3f)}));
  cases.push_back(fused({2, 7, 9, 40}, {7, 1, 3, 3},
                        {{"epilogue", "add, relu"}, {"group", 7}, {"pads", "1,1,1,1"}, {"strides", "2,1"}},
                        {numbers(Dtype::f32, {2, 7, 5, 40}, 4)}));
  for (const std::int64_t groups : {1, 3, 300})
    cases.push_back(
        fused({2, 300, 5, 7}, {300, 300 / groups, 1, 1},
              {{"epilogue", groups == 1 ? "" : "add"},
               {"group", groups},
               {"prologue", "scale, relu"},
               {"strides", groups == 1 ? "1,1" : "2,1"}},
              groups == 1
                  ? std::vector{numbers(Dtype::f32, {300}, 5), numbers(Dtype::f32, {300}, 6)}
                  : std::vector{number(0.3f), numbers(Dtype::f32, {300}, 5), numbers(Dtype::f32, {300}, 6)}));
  add_rounded(cases);
  return cases;
}

/// Convolutions that are pooled: whole planes, some channels' planes, and bands of lines.
Cases conv_pool_cases() {
  const auto pooled = [](const Shape& x, const Shape& weight, Attributes attributes,
                         std::vector<Tensor> operands = {}, bool with_bias = true) {
    std::vector<Tensor> inputs = {numbers(Dtype::f32, x), numbers(Dtype::f32, weight, 2),
                                  with_bias ? numbers(Dtype::f32, {weight[0]}, 3) : absent()};
    for (auto& operand : operands) inputs.push_back(std::move(operand));
    return make_case("ConvPool", std::move(inputs), attributes);
  };
  Cases cases;
  for (const char* kind : {"max", "average"}) {
    const auto with = [kind](Attributes more) {
      more.insert({{"pool", kind}, {"pool_kernel_shape", "3,3"}, {"pool_strides", "2,2"}});
      return more;
    };
    // bands: overlapping lines, padding on every side, several images and groups, pixels in place
    cases.push_back(pooled(
        {1, 3, 45, 50}, {9, 3, 7, 7},
        with({{"strides", "2,2"}, {"pads", "3,3,3,3"}, {"epilogue", "relu"}, {"pool_pads", "1,1,1,1"}})));
    cases.push_back(pooled(
        {2, 4, 20, 33}, {6, 2, 3, 3},
        with({{"group", 2}, {"pads", "1,1,1,1"}, {"pool_ceil_mode", 1}, {"pool_epilogue", "relu, tanh"}}), {},
        false));
    cases.push_back(pooled({2, 20, 32, 32}, {17, 20, 1, 1}, with({{"epilogue", "mul, clip"}, {"beta", 1.5}}),
                           {number(0.7f)}));
    cases.push_back(
        pooled({1, 5, 31, 30}, {7, 5, 2, 3},
               with({{"pool_dilations", "3,2"}, {"pool_strides", "1,1"}, {"pool_pads", "2,0,5,1"}})));
    cases.push_back(pooled({1, 300, 18, 20}, {12, 300, 1, 1},
                           with({{"pool_kernel_shape", "2,1"}, {"pool_strides", "5,3"}})));
    cases.push_back(
        pooled({2, 6, 9, 20}, {4, 6, 3, 3}, with({{"dilations", "2,1"}, {"pool_auto_pad", "SAME_LOWER"}})));
    // channels
    cases.push_back(pooled({2, 5, 7, 6}, {93, 5, 3, 3}, with({{"epilogue", "relu"}, {"pads", "1,1,1,1"}})));
    cases.push_back(pooled({1, 12, 6, 6}, {129, 4, 2, 2}, with({{"group", 3}, {"pool_pads", "1,1,1,1"}})));
    // planes
    cases.push_back(
        pooled({2, 5, 19, 21}, {5, 1, 3, 3}, with({{"group", 5}, {"pads", "1,1,1,1"}, {"strides", "2,1"}})));
    cases.push_back(pooled({1, 3, 40, 57}, {3, 1, 1, 1}, with({{"group", 3}, {"epilogue", "relu"}})));
    cases.push_back(pooled({0, 3, 9, 9}, {4, 3, 3, 3}, with({})));
  }
  cases.push_back(pooled({1, 4, 20, 20}, {5, 4, 3, 3},
                         {{"pool", "average"},
                          {"pool_count_include_pad", 1},
                          {"pool_kernel_shape", "3,3"},
                          {"pool_pads", "1,1,1,1"},
                          {"pool_strides", "2,2"},
                          {"pool_ceil_mode", 1}}));
  const Attributes mean = {{"pool", "mean"}};
  cases.push_back(pooled({2, 40, 7, 7}, {50, 40, 1, 1}, {{"pool", "mean"}, {"epilogue", "add, relu"}},
                         {numbers(Dtype::f32, {2, 50, 7, 7}, 4)}));
  cases.push_back(
      pooled({1, 3, 30, 31}, {6, 1, 3, 3}, {{"pool", "mean"}, {"group", 3}, {"pool_epilogue", "sigmoid"}}));
  cases.push_back(
      pooled({1, 7, 9, 10}, {7, 1, 1, 1}, {{"pool", "mean"}, {"group", 7}, {"epilogue", "relu"}}));
  cases.push_back(pooled({2, 9, 5, 7}, {30, 9, 1, 1}, {{"pool", "mean"}, {"prologue", "scale, relu"}},
                         {numbers(Dtype::f32, {9}, 5), numbers(Dtype::f32, {9}, 6)}));
  return cases;
}

Cases winograd_conv_cases() {
  const auto winograd = [](const Shape& x, std::int64_t rows, Attributes attributes,
                           std::vector<Tensor> operands) {
    std::vector<Tensor> inputs = {numbers(Dtype::f32, x), numbers(Dtype::f32, {36, rows, x[1]}, 2),
                                  operands.empty() ? numbers(Dtype::f32, {rows}, 3) : absent()};
    for (auto& operand : operands) inputs.push_back(std::move(operand));
    return make_case("WinogradConv", std::move(inputs), attributes);
  };
  Cases cases = {
      winograd({1, 3, 12, 12}, 5, {{"pads", "1,1,1,1"}}, {}),
      winograd({1, 2, 70, 9}, 3, {{"pads", "0,1,2,0"}}, {}),  // several chunks of rows
      winograd({2, 2, 7, 281}, 9, {{"pads", "1,1,1,1"}, {"epilogue", "relu"}},
               {}),  // parts of a row of tiles
      winograd({1, 4, 14, 14}, 70, {{"pads", "1,1,1,1"}, {"epilogue", "add, relu"}},
               {numbers(Dtype::f32, {1, 70, 14, 14}, 4)}),  // threads share weights
      winograd({1, 3, 9, 27}, 17, {{"pads", "1,1,1,1"}, {"epilogue", "relu"}},
               {}),                                            // two rows of tiles a vector
      winograd({1, 2, 38, 50}, 4, {{"pads", "1,2,1,2"}}, {}),  // rows of whole vectors
      winograd({1, 1, 3, 3}, 1, {{"pads", "5,0,0,4"}}, {}),
      winograd({0, 2, 5, 5}, 3, {}, {}),
  };
  return cases;
}

Cases pool_cases(std::string_view op, std::vector<Dtype> dtypes) {
  Cases cases;
  for (const Dtype dtype : dtypes) {
    cases.push_back(make_case(op, {numbers(dtype, {2, 3, 17, 19})},
                              {{"kernel_shape", "3,2"}, {"strides", "2,3"}, {"pads", "1,0,1,1"}}));
    cases.push_back(
        make_case(op, {numbers(dtype, {1, 2, 9, 40})},
                  {{"kernel_shape", "2,3"}, {"dilations", "2,2"}, {"ceil_mode", 1}, {"strides", "3,2"}}));
    cases.push_back(
        make_case(op, {numbers(dtype, {2, 3, 21})}, {{"kernel_shape", "4"}, {"auto_pad", "SAME_UPPER"}}));
  }
  return cases;
}

std::vector<Dtype> floats() { return {std::begin(kFloats), std::end(kFloats)}; }

Cases max_pool_cases() {
  auto dtypes = floats();
  dtypes.insert(dtypes.end(), {Dtype::i8, Dtype::u8});
  Cases cases = pool_cases("MaxPool", dtypes);
  for (const std::int64_t order : {0, 1})
    cases.push_back(make_case("MaxPool", {numbers(Dtype::f32, {2, 2, 7, 9})},
                              {{"kernel_shape", "3,3"}, {"outputs", 2}, {"storage_order", order}}));
  return cases;
}

Cases average_pool_cases() {
  Cases cases = pool_cases("AveragePool", floats());
  cases.push_back(make_case("AveragePool", {numbers(Dtype::f32, {1, 2, 4, 5, 6})},
                            {{"kernel_shape", "2,3,2"}, {"pads", "1,0,1,0,1,0"}}));
  cases.push_back(make_case("AveragePool", {numbers(Dtype::f32, {1, 2, 7, 8})},
                            {{"count_include_pad", 1},
                             {"ceil_mode", 1},
                             {"kernel_shape", "3,3"},
                             {"pads", "1,1,1,1"},
                             {"strides", "2,2"}}));
  return cases;
}

/// x [N, C, ...] and `count` inputs of one number a channel, the last of them positive.
Cases channel_cases(std::string_view op, std::size_t count, const Attributes& attributes) {
  Cases cases;
  for (const Dtype dtype : kFloats)
    for (const Shape& dims : {Shape{2, 6, 5, 7}, Shape{3, 4, 1000}}) {
      std::vector<Tensor> inputs = {numbers(dtype, dims)};
      for (std::size_t i = 0; i < count; ++i)
        inputs.push_back(i + 1 == count ? positive(dtype, {dims[1]}) : numbers(dtype, {dims[1]}, 7));
      cases.push_back(make_case(op, std::move(inputs), attributes));
    }
  return cases;
}

Cases float_cases(std::string_view op, const std::vector<Shape>& shapes, const Attributes& attributes) {
  Cases cases;
  for (const Dtype dtype : kFloats) {
    std::vector<Tensor> inputs;
    for (const auto& shape : shapes)
      inputs.push_back(numbers(dtype, shape, static_cast<std::uint32_t>(inputs.size() + 1)));
    cases.push_back(make_case(op, std::move(inputs), attributes));
  }
  return cases;
}

Cases plane_cases(std::string_view op, const Attributes& attributes) {
  Cases cases = float_cases(op, {{3, 4, 5, 9}}, attributes);
  cases.push_back(make_case(op, {numbers(Dtype::f32, {0, 4, 5, 9})}, attributes));
  return cases;
}

Cases integer_conv_cases(bool linear) {
  Cases cases;
  for (const Dtype x : {Dtype::i8, Dtype::u8})
    for (const Dtype weight : {Dtype::i8, Dtype::u8}) {
      const Tensor input = numbers(x, {2, 4, 6, 5});
      const Tensor factors = numbers(weight, {6, 2, 3, 2}, 2);
      const Attributes attributes = {{"group", 2}, {"pads", "1,1,0,1"}};
      if (!linear)
        cases.push_back(make_case("ConvInteger", {input, factors, numbers(x, {}, 3), numbers(weight, {6}, 4)},
                                  attributes));
      else
        cases.push_back(make_case(
            "QLinearConv",
            {input, number(0.02f), numbers(x, {}, 3), factors, reals({0.1f, 0.2f, 0.3f, 0.4f, 0.5f, 0.6f}),
             numbers(weight, {6}, 4), number(0.7f), numbers(x, {}, 6), numbers(Dtype::i32, {6})},
            attributes));
    }
  return cases;
}

Cases transpose_cases_of_conv() {
  Cases cases =
      float_cases("ConvTranspose", {{2, 4, 5, 6}, {4, 3, 3, 2}, {6}},
                  {{"group", 2}, {"strides", "2,3"}, {"pads", "1,0,0,1"}, {"output_padding", "1,0"}});
  cases.push_back(make_case("ConvTranspose", {numbers(Dtype::f32, {1, 2, 9}), numbers(Dtype::f32, {2, 2, 4})},
                            {{"dilations", "2"}, {"output_shape", "20"}, {"strides", "2"}}));
  return cases;
}

Cases col2im_cases() {
  Cases cases;
  for (const Dtype dtype : {Dtype::f32, Dtype::f64, Dtype::f16, Dtype::bf16, Dtype::i32, Dtype::i64})
    cases.push_back(make_case("Col2Im", {numbers(dtype, {2, 12, 16}), whole({5, 6}), whole({2, 3})}, {}));
  return cases;
}

Cases max_unpool_cases() {
  Cases cases;
  for (const Dtype dtype : kFloats) {
    Tensor indices = whole({3, 0, 9, 15, 16, 20, 25, 31});
    indices.dims = {1, 2, 2, 2};
    cases.push_back(make_case("MaxUnpool", {numbers(dtype, {1, 2, 2, 2}), indices},
                              {{"kernel_shape", "2,2"}, {"strides", "2,2"}}));
    cases.push_back(make_case("MaxUnpool", {numbers(dtype, {1, 2, 2, 2}), indices, whole({1, 2, 5, 6})},
                              {{"kernel_shape", "2,2"}, {"strides", "2,2"}}));
  }
  return cases;
}

Cases resize_cases() {
  const auto modes = [](const char* mode) {
    return Attributes{{"coordinate_transformation_mode", "half_pixel"},
                      {"keep_aspect_ratio_policy", "stretch"},
                      {"mode", mode},
                      {"nearest_mode", "round_prefer_floor"}};
  };
  Cases cases;
  for (const Dtype dtype :
       {Dtype::f32, Dtype::f64, Dtype::f16, Dtype::bf16, Dtype::i8, Dtype::u8, Dtype::i32}) {
    for (const char* mode : {"nearest", "linear", "cubic"}) {
      auto attributes = modes(mode);
      cases.push_back(make_case("Resize", {numbers(dtype, {2, 3, 7, 6}), absent(), reals({1, 1, 1.7f, 0.6f})},
                                attributes));
      attributes["antialias"] = std::int64_t{mode != std::string("nearest")};
      attributes["axes"] = "2,3";
      cases.push_back(make_case("Resize", {numbers(dtype, {1, 2, 9, 9}), absent(), absent(), whole({4, 13})},
                                attributes));
    }
  }
  for (const Dtype dtype : {Dtype::boolean, Dtype::i16, Dtype::u16, Dtype::u32})
    cases.push_back(
        make_case("Resize", {numbers(dtype, {1, 2, 3}), absent(), reals({1, 2, 2})}, modes("nearest")));
  return cases;
}

Cases grid_sample_cases() {
  Cases cases;
  for (const char* mode : {"linear", "nearest", "cubic"})
    for (const char* padding : {"zeros", "border", "reflection"})
      for (auto& test : float_cases("GridSample", {{2, 3, 6, 5}, {2, 4, 7, 2}},
                                    {{"mode", mode}, {"padding_mode", padding}}))
        cases.push_back(std::move(test));
  return cases;
}

Cases affine_grid_cases() {
  Cases cases;
  for (const Dtype dtype : kFloats) {
    cases.push_back(
        make_case("AffineGrid", {numbers(dtype, {2, 2, 3}), whole({2, 3, 5, 6})}, {{"align_corners", 1}}));
    cases.push_back(make_case("AffineGrid", {numbers(dtype, {1, 3, 4}), whole({1, 3, 4, 1, 6})}, {}));
  }
  return cases;
}

Cases roi_align_cases() {
  Cases cases;
  for (const Dtype dtype : kFloats)
    for (const char* mode : {"avg", "max"})
      cases.push_back(make_case("RoiAlign",
                                {numbers(dtype, {2, 3, 10, 9}), numbers(dtype, {3, 4}, 9), whole({1, 0, 1})},
                                {{"coordinate_transformation_mode", "output_half_pixel"},
                                 {"mode", mode},
                                 {"output_height", 3},
                                 {"output_width", 2}}));
  return cases;
}

Cases causal_conv_cases() {
  Cases cases;
  for (const Dtype dtype : {Dtype::f32, Dtype::f16, Dtype::bf16}) {
    cases.push_back(make_case("CausalConvWithState",
                              {numbers(dtype, {2, 5, 9}), numbers(dtype, {5, 1, 4}), numbers(dtype, {5}),
                               numbers(dtype, {2, 5, 3})},
                              {{"activation", "silu"}}));
    cases.push_back(make_case("CausalConvWithState", {numbers(dtype, {1, 2, 2}), numbers(dtype, {2, 1, 5})},
                              {{"activation", "none"}}));
  }
  return cases;
}

Cases fourier_cases() {
  Cases cases;
  for (const Dtype dtype : kFloats) {
    cases.push_back(make_case("DFT", {numbers(dtype, {3, 30, 1})}, {{"onesided", 1}}));
    cases.push_back(
        make_case("DFT", {numbers(dtype, {2, 5, 14, 2}), whole({16}), whole({1})}, {{"inverse", 1}}));
    cases.push_back(make_case("DFT", {numbers(dtype, {4, 6, 2})}, {{"inverse", 1}, {"onesided", 1}}));
  }
  return cases;
}

Cases short_time_cases() {
  Cases cases;
  for (const Dtype dtype : kFloats) {
    cases.push_back(make_case("STFT", {numbers(dtype, {2, 50, 1}), whole({7}), numbers(dtype, {12})}, {}));
    cases.push_back(make_case("STFT", {numbers(dtype, {1, 40, 2}), whole({8}), absent(), whole({16})},
                              {{"onesided", 0}}));
  }
  return cases;
}

Cases signal_window_cases(std::string_view op) {
  Cases cases;
  for (const char* dtype : {"f32", "f64", "f16", "bf16"})
    cases.push_back(make_case(op, {whole({37})}, {{"dtype", dtype}, {"periodic", 0}}));
  return cases;
}

}  // namespace

std::vector<Row> window_rows() {
  return {
      {"AffineGrid", affine_grid_cases, {}},
      {"AveragePool", average_pool_cases, {}},
      {"BatchNormalization", [] { return channel_cases("BatchNormalization", 4, {}); }, {}},
      {"BatchNormalizationTraining", [] { return channel_cases("BatchNormalizationTraining", 4, {}); }, {}},
      {"BlackmanWindow", [] { return signal_window_cases("BlackmanWindow"); }, {}},
      {"CausalConvWithState", causal_conv_cases, {}},
      {"Col2Im", col2im_cases, {}},
      {"Conv", conv_cases, {}},
      {"ConvInteger", [] { return integer_conv_cases(false); }, {}},
      {"ConvPool", conv_pool_cases, {}},
      {"ConvTranspose", transpose_cases_of_conv, {}},
      {"DFT", fourier_cases, {}},
      {"DeformConv",
       [] {
         return float_cases("DeformConv", {{1, 4, 6, 7}, {6, 2, 2, 3}, {1, 24, 5, 5}, {6}, {1, 12, 5, 5}},
                            {{"group", 2}, {"offset_group", 2}});
       },
       {}},
      {"FusedConv", fused_conv_cases, {}},
      {"GlobalAveragePool", [] { return plane_cases("GlobalAveragePool", {}); }, {}},
      {"GlobalLpPool",
       [] {
         return plane_cases("GlobalLpPool", {{"p", 3}});
       },
       {}},
      {"GlobalMaxPool", [] { return plane_cases("GlobalMaxPool", {}); }, {}},
      {"GridSample", grid_sample_cases, {}},
      {"GroupNormalization",
       [] {
         return channel_cases("GroupNormalization", 2, {{"num_groups", 2}});
       },
       {}},
      {"HammingWindow", [] { return signal_window_cases("HammingWindow"); }, {}},
      {"HannWindow", [] { return signal_window_cases("HannWindow"); }, {}},
      {"InstanceNormalization", [] { return channel_cases("InstanceNormalization", 2, {}); }, {}},
      {"LRN",
       [] {
         Cases cases = float_cases("LRN", {{2, 9, 17, 18}}, {{"size", 4}});
         cases.push_back(make_case("LRN", {numbers(Dtype::f32, {1, 3, 7})}, {{"size", 5}, {"beta", 0.6}}));
         return cases;
       },
       {}},
      {"LpPool", [] { return pool_cases("LpPool", floats()); }, {}},
      {"MaxPool", max_pool_cases, {}},
      {"MaxUnpool", max_unpool_cases, {}},
      {"MelWeightMatrix",
       [] {
         return Cases{make_case("MelWeightMatrix",
                                {whole({8}), whole({64}), whole({8192}), number(0), number(4096)},
                                {{"dtype", "f32"}})};
       },
       {}},
      {"QLinearConv", [] { return integer_conv_cases(true); }, {}},
      {"Resize", resize_cases, {}},
      {"RoiAlign", roi_align_cases, {}},
      {"STFT", short_time_cases, {}},
      {"WinogradConv", winograd_conv_cases, {}},
  };
}

}  // namespace lathe::parity
