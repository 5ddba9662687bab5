// Shape rules of convolution, pooling, resizing, images and signals: what they give, also where a run alone
// knows more, and what they refuse.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"
#include "graph/infer.h"
#include "graph/op_rows.h"
#include "graph/text_form.h"

namespace lathe {
namespace {

constexpr auto f32 = Dtype::f32;
constexpr auto i64 = Dtype::i64;
constexpr auto u8 = Dtype::u8;

/// An input: its type, and its elements where they are known.
struct Input {
  ValueType type;
  std::vector<std::int64_t> whole = {};
  std::vector<float> reals = {};
};

Input typed(Dtype dtype, Dims dims) { return {{dtype, std::move(dims)}}; }
Input floats(Dims dims) { return typed(f32, std::move(dims)); }
Input whole(std::vector<std::int64_t> values) {
  return {{i64, {static_cast<std::int64_t>(values.size())}}, std::move(values)};
}
Input reals(std::vector<float> values) {
  return {{f32, {static_cast<std::int64_t>(values.size())}}, {}, std::move(values)};
}
Input absent() { return typed(Dtype::none, {0}); }
Input unranked() { return {ValueType::unranked(f32)}; }

struct Row {
  std::string_view op;
  std::vector<Input> inputs;
  Attributes attributes;
  std::string expected;  // the types, or a part of the message
};

std::string infer(const Row& row) {
  Node node;
  node.op = find_op(row.op);
  node.name = "node";
  node.attributes = complete_attributes(*node.op, row.attributes);
  std::vector<ValueType> types;
  std::vector<TensorView> values;
  for (const auto& input : row.inputs) {
    types.push_back(input.type);
    const auto* data = input.reals.empty() ? reinterpret_cast<const std::byte*>(input.whole.data())
                                           : reinterpret_cast<const std::byte*>(input.reals.data());
    values.push_back({data, input.type.dtype, {}});
    if (data != nullptr) values.back().shape = {input.type.dims[0].value};
  }
  std::string result;
  for (const auto& type : infer_types(node, {types, values}))
    result += (result.empty() ? "" : " ") + to_string(type);
  std::erase(result, '"');  // around what only a run knows
  return result;
}

const Attributes kResize = {{"coordinate_transformation_mode", "half_pixel"},
                            {"keep_aspect_ratio_policy", "stretch"},
                            {"mode", "linear"},
                            {"nearest_mode", "floor"}};

Attributes resize_with(std::string name, Attribute value) {
  Attributes attributes = kResize;
  attributes[std::move(name)] = std::move(value);
  return attributes;
}

const Attributes kGrid = {{"mode", "linear"}, {"padding_mode", "zeros"}};
const Attributes kRoi = {{"coordinate_transformation_mode", "half_pixel"}, {"mode", "avg"}};
const Input kImage = floats({1, 4, 9, 8});
const Input kFour = floats({4});

std::vector<Row> accepted() {
  return {
      {"AffineGrid", {floats({2, 2, 3}), whole({2, 3, 5, 6})}, {}, "f32[2, 5, 6, 2]"},
      {"AffineGrid", {floats({"N", 2, 3}), typed(i64, {4})}, {}, "f32[?, ?, ?, 2]"},
      {"AveragePool", {kImage}, {{"kernel_shape", "2,2"}, {"strides", "2,3"}}, "f32[1, 4, 4, 3]"},
      {"AveragePool",
       {floats({1, 4, 5, 5})},
       {{"kernel_shape", "3,3"}, {"pads", "1,1,1,1"}, {"strides", "3,3"}, {"ceil_mode", 1}},
       "f32[1, 4, 2, 2]"},
      {"BatchNormalization", {kImage, kFour, kFour, kFour, kFour}, {}, "f32[1, 4, 9, 8]"},
      {"BatchNormalization", {unranked(), kFour, kFour, kFour, kFour}, {}, "f32[...]"},
      {"BatchNormalizationTraining",
       {kImage, kFour, kFour, kFour, kFour},
       {},
       "f32[1, 4, 9, 8] f32[4] f32[4]"},
      {"BlackmanWindow", {typed(i64, {})}, {{"dtype", "f32"}}, "f32[?]"},
      {"CausalConvWithState",
       {floats({2, 5, "T"}), floats({5, 1, 4})},
       {{"activation", "none"}},
       "f32[2, 5, T] f32[2, 5, 3]"},
      {"Col2Im", {floats({2, 12, 16}), whole({5, 6}), whole({2, 3})}, {}, "f32[2, 2, 5, 6]"},
      {"Col2Im", {floats({2, 12, 16}), typed(i64, {2}), whole({2, 3})}, {}, "f32[2, 2, ?, ?]"},
      {"Conv",
       {floats({"N", 4, 9, 8}), floats({6, 2, 3, 3})},
       {{"group", 2}, {"strides", "2,1"}},
       "f32[N, 6, 4, 6]"},
      {"Conv", {floats({1, 4, "H", 8}), floats({6, 4, 3, 3})}, {{"pads", "1,1,1,1"}}, "f32[1, 6, H, 8]"},
      {"Conv",
       {floats({1, 4, "H", 8}), floats({6, 4, 3, 3})},
       {{"strides", "2,2"}},
       "f32[1, 6, (((H+1)/2)-1), 3]"},
      {"Conv", {unranked(), floats({6, 4, 3, 3})}, {}, "f32[?, 6, ?, ?]"},
      {"Conv", {unranked(), unranked()}, {}, "f32[...]"},
      {"Conv", {kImage, typed(Dtype::bf16, {6, 4, 3, 3}), floats({6})}, {}, "f32[1, 6, 7, 6]"},
      {"ConvInteger",
       {typed(u8, {1, 4, 9, 8}), typed(Dtype::i8, {6, 4, 3, 3}), typed(u8, {}), typed(Dtype::i8, {6})},
       {},
       "i32[1, 6, 7, 6]"},
      {"ConvTranspose",
       {kImage, floats({4, 3, 3, 3})},
       {{"group", 2}, {"strides", "2,2"}, {"output_padding", "1,0"}},
       "f32[1, 6, 20, 17]"},
      {"ConvTranspose",
       {kImage, floats({4, 3, 3, 3})},
       {{"strides", "2,2"}, {"auto_pad", "SAME_UPPER"}},
       "f32[1, 3, 18, 16]"},
      {"ConvTranspose", {floats({1, 4, "H"}), floats({4, 3, 3})}, {{"output_shape", "30"}}, "f32[1, 3, 30]"},
      {"ConvTranspose",
       {floats({1, 4, "H", "W"}), floats({4, 3, 3, 4})},
       {{"strides", "2,2"}, {"pads", "0,1,0,1"}},
       "f32[1, 3, (2*H+1), (2*W)]"},
      {"ConvTranspose", {floats({1, 4, "H"}), floats({4, 3, 3})}, {{"pads", "2,2"}}, "f32[1, 3, ?]"},
      {"FusedConv",
       {kImage, floats({6, 4, 3, 3}), absent(), floats({1, 6, 7, 6}), floats({})},
       {{"epilogue", "add, relu, mul"}},
       "f32[1, 6, 7, 6]"},
      {"FusedConv", {unranked(), unranked(), unranked(), unranked()}, {{"epilogue", "max"}}, "f32[...]"},
      {"FusedConv",
       {kImage, typed(Dtype::bf16, {6, 4, 3, 3}), absent()},
       {{"epilogue", "relu"}},
       "f32[1, 6, 7, 6]"},
      {"FusedConv",
       {kImage, floats({6, 4, 1, 1}), absent(), kFour, kFour},
       {{"prologue", "scale, relu"}, {"strides", "2,1"}},
       "f32[1, 6, 5, 8]"},
      {"ConvPool",
       {floats({"N", 4, 9, 8}), floats({6, 4, 3, 3}), absent(), floats({})},
       {{"epilogue", "mul, relu"}, {"pool", "max"}, {"pool_kernel_shape", "2,3"}, {"pool_strides", "2,1"}},
       "f32[N, 6, 3, 4]"},
      {"ConvPool",
       {kImage, floats({6, 4, 3, 3}), absent(), floats({1, 6, 7, 6})},
       {{"epilogue", "add"}, {"pool", "mean"}, {"pool_epilogue", "relu"}},
       "f32[1, 6, 1, 1]"},
      {"DFT", {floats({3, 30, 1})}, {{"onesided", 1}}, "f32[3, 16, 2]"},
      {"DFT", {floats({3, 30, 2}), typed(i64, {}), whole({0})}, {}, "f32[?, 30, 2]"},
      {"DFT", {floats({3, 16, 2})}, {{"onesided", 1}, {"inverse", 1}}, "f32[3, 30, 1]"},
      {"DeformConv",
       {floats({1, 4, 6, 7}), floats({6, 2, 2, 3}), floats({1, 24, 5, 5})},
       {{"group", 2}, {"offset_group", 2}},
       "f32[1, 6, 5, 5]"},
      {"GlobalAveragePool", {floats({"N", 4, "H", 8})}, {}, "f32[N, 4, 1, 1]"},
      {"GlobalLpPool", {kImage}, {}, "f32[1, 4, 1, 1]"},
      {"GlobalMaxPool", {unranked()}, {}, "f32[...]"},
      {"GridSample", {kImage, floats({1, 5, 7, 2})}, kGrid, "f32[1, 4, 5, 7]"},
      {"GridSample", {unranked(), floats({"N", 5, 7, 2})}, kGrid, "f32[N, ?, 5, 7]"},
      {"GroupNormalization", {kImage, kFour, kFour}, {{"num_groups", 2}}, "f32[1, 4, 9, 8]"},
      {"HammingWindow", {whole({10})}, {{"dtype", "f64"}}, "f64[10]"},
      {"ImageDecoder", {typed(u8, {"N"})}, {}, "u8[?, ?, 3]"},
      {"ImageDecoder", {typed(u8, {"N"})}, {{"pixel_format", "Grayscale"}}, "u8[?, ?, 1]"},
      {"HannWindow", {whole({10})}, {{"dtype", "f16"}}, "f16[10]"},
      {"InstanceNormalization", {kImage, kFour, kFour}, {}, "f32[1, 4, 9, 8]"},
      {"LRN", {kImage}, {{"size", 5}}, "f32[1, 4, 9, 8]"},
      {"LpPool", {kImage}, {{"kernel_shape", "2,2"}}, "f32[1, 4, 8, 7]"},
      {"MaxPool",
       {kImage},
       {{"kernel_shape", "3,3"}, {"auto_pad", "SAME_LOWER"}, {"strides", "2,2"}},
       "f32[1, 4, 5, 4]"},
      {"MaxPool",
       {typed(u8, {1, 1, 5})},
       {{"kernel_shape", "2"}, {"outputs", 2}},
       "u8[1, 1, 4] i64[1, 1, 4]"},
      {"MaxUnpool",
       {floats({1, 1, 2, 2}), typed(i64, {1, 1, 2, 2})},
       {{"kernel_shape", "2,2"}, {"strides", "2,2"}},
       "f32[1, 1, 4, 4]"},
      {"MelWeightMatrix",
       {whole({8}), whole({64}), whole({8192}), floats({}), floats({})},
       {{"dtype", "f32"}},
       "f32[33, 8]"},
      {"QLinearConv",
       {typed(u8, {1, 4, 9, 8}), floats({}), typed(u8, {}), typed(Dtype::i8, {6, 4, 3, 3}), floats({6}),
        typed(Dtype::i8, {6}), floats({}), typed(Dtype::i8, {})},
       {},
       "i8[1, 6, 7, 6]"},
      {"Resize", {floats({"N", 3, 8, 6}), absent(), reals({1, 1, 0.5, 1.7f})}, kResize, "f32[N, 3, 4, 10]"},
      {"Resize",
       {floats({"N", 3, "H", "W"}), absent(), reals({1, 1, 2, 0.75})},
       kResize,
       "f32[N, 3, (2*H), ((3*W)/4)]"},
      {"Resize", {floats({1, 3, "H", "W"}), absent(), reals({1, 1, 0.3f, 1})}, kResize, "f32[1, 3, ?, W]"},
      {"Resize", {kImage, absent(), absent(), whole({6, 3})}, resize_with("axes", "2,-1"), "f32[1, 4, 6, 3]"},
      {"Resize", {kImage, absent(), typed(f32, {4})}, kResize, "f32[?, ?, ?, ?]"},
      {"RoiAlign", {kImage, floats({"R", 4}), typed(i64, {"R"})}, kRoi, "f32[R, 4, 1, 1]"},
      {"STFT", {floats({2, 50, 1}), whole({7}), floats({12})}, {}, "f32[2, 6, 7, 2]"},
      {"WinogradConv",
       {floats({"N", 4, 9, 8}), floats({36, 6, 4}), floats({6}), floats({"N", 6, 9, 6})},
       {{"pads", "1,0,1,0"}, {"epilogue", "add"}},
       "f32[N, 6, 9, 6]"},
      {"WinogradConv", {unranked(), unranked(), absent()}, {}, "f32[?, ?, ?, ?]"},
  };
}

std::vector<Row> refused() {
  return {
      {"AffineGrid", {floats({2, 2, 3}), whole({2, 3, 5})}, {}, "must have 4 or 5 elements"},
      {"AffineGrid", {floats({2, 2, 3}), whole({2, 3, -5, 6})}, {}, "must not be negative"},
      {"AveragePool", {kImage}, {{"kernel_shape", "2"}}, "must have 3 dimensions"},
      {"AveragePool", {kImage}, {{"kernel_shape", "2,2"}, {"strides", "0,1"}}, "strides must be at least 1"},
      {"BatchNormalization", {kImage, floats({3}), kFour, kFour, kFour}, {}, "input 1 (scale)"},
      {"BatchNormalizationTraining", {typed(u8, {1, 4}), kFour, kFour, kFour, kFour}, {}, "input 0 (x)"},
      {"BlackmanWindow", {whole({-1})}, {{"dtype", "f32"}}, "must be 0 to 2^31"},
      {"CausalConvWithState",
       {floats({2, 5, 3}), floats({5, 2, 4})},
       {{"activation", "none"}},
       "input 1 (weight)"},
      {"CausalConvWithState", {floats({2, 5, 3}), floats({5, 1, 4})}, {{"activation", "relu"}}, "not known"},
      {"Col2Im", {floats({2, 12, 21}), whole({5, 6}), whole({2, 3})}, {}, "the blocks of the image"},
      {"Col2Im", {floats({2, 13, 16}), whole({5, 6}), whole({2, 3})}, {}, "a multiple of a block's elements"},
      {"Conv", {kImage, floats({6, 3, 3, 3})}, {}, "the weights' channels times the groups"},
      {"Conv", {kImage, floats({6, 4, 3, 3})}, {{"pads", "1,1"}}, "pads must be 4 whole numbers"},
      {"Conv", {kImage, floats({6, 4, 3, 3})}, {{"pads", "1,1,-1,1"}}, "pads must be at least 0"},
      {"Conv", {kImage, floats({6, 4, 3, 3})}, {{"strides", "99999999999,1"}}, "at most 2^31"},
      {"Conv", {kImage, floats({6, 4, 3, 3})}, {{"auto_pad", "SAME"}}, "auto_pad must be"},
      {"Conv", {kImage, floats({6, 4, 3, 3})}, {{"kernel_shape", "3,2"}}, "kernel_shape"},
      {"Conv", {kImage, floats({6, 4, 10, 3})}, {}, "does not fit"},
      {"Conv", {kImage, floats({5, 2, 3, 3})}, {{"group", 2}}, "a multiple of the 2 groups"},
      {"Conv", {kImage, floats({6, 4, 3, 3}), floats({5})}, {}, "input 2 (bias)"},
      {"Conv", {kImage, typed(Dtype::f16, {6, 4, 3, 3})}, {}, "input 1 (weight)"},
      {"Conv", {typed(Dtype::bf16, {1, 4, 9, 8}), floats({6, 4, 3, 3})}, {}, "input 1 (weight)"},
      {"Conv", {kImage, typed(Dtype::bf16, {6, 4, 3, 3}), typed(Dtype::bf16, {6})}, {}, "input 2 (bias)"},
      {"Conv", {floats({4, 9}), floats({6, 4})}, {}, "3 or more dimensions"},
      {"ConvInteger", {kImage, typed(u8, {6, 4, 3, 3})}, {}, "input 0 (x)"},
      {"ConvTranspose", {kImage, floats({3, 3, 3, 3})}, {}, "the weights' channels"},
      {"ConvTranspose",
       {kImage, floats({4, 3, 3, 3})},
       {{"pads", "20,0,20,0"}},
       "a dimension of the result would be"},
      {"DFT", {floats({3, 30, 3})}, {}, "one or two numbers"},
      {"DFT", {floats({3, 30, 1}), absent(), whole({2})}, {}, "the last axis holds complex numbers"},
      {"DFT", {floats({3, 30, 1}), whole({0})}, {}, "must be 1 to 2^31"},
      {"DeformConv",
       {floats({1, 4, 6, 7}), floats({6, 2, 2, 3}), floats({1, 12, 5, 5})},
       {{"group", 2}, {"offset_group", 2}},
       "input 2 (offset)"},
      {"GlobalAveragePool", {floats({4})}, {}, "2 or more dimensions"},
      {"GlobalLpPool", {kImage}, {{"p", 0}}, "p is 0"},
      {"GlobalMaxPool", {typed(u8, {1, 4, 9})}, {}, "input 0 (x)"},
      {"GridSample", {kImage, floats({1, 5, 7, 3})}, kGrid, "input 1 (grid)"},
      {"GroupNormalization", {kImage, kFour, kFour}, {{"num_groups", 3}}, "a multiple of the 3 groups"},
      {"HammingWindow", {floats({})}, {{"dtype", "f32"}}, "must be i32, i64"},
      {"ImageDecoder", {floats({"N"})}, {}, "input 0 (encoded_stream) is f32[N]: must be u8"},
      {"ImageDecoder", {typed(u8, {1, "N"})}, {}, "input 0 (encoded_stream)"},
      {"ImageDecoder",
       {typed(u8, {"N"})},
       {{"pixel_format", "HSV"}},
       "pixel_format is HSV, which is not known"},
      {"HannWindow", {whole({10})}, {{"dtype", "q4_0"}}, "must be f32, f64, f16 or bf16"},
      {"InstanceNormalization", {kImage, kFour, floats({5})}, {}, "input 2 (bias)"},
      {"LRN", {kImage}, {{"size", 0}}, "size is 0"},
      {"LpPool", {kImage}, {{"kernel_shape", ""}}, "kernel_shape must be"},
      {"MaxPool", {kImage}, {{"kernel_shape", "10,1"}}, "does not fit"},
      {"MaxPool", {kImage}, {{"kernel_shape", "2,2"}, {"outputs", 3}}, "outputs is 3"},
      {"MaxUnpool",
       {floats({1, 1, 2, 2}), typed(i64, {1, 1, 2, 2}), whole({1, 1, 3, 4})},
       {{"kernel_shape", "2,2"}, {"strides", "2,2"}},
       "at least the shape"},
      {"MelWeightMatrix",
       {whole({-8}), whole({64}), whole({8192}), floats({}), floats({})},
       {{"dtype", "f32"}},
       "input 0 (mel bins)"},
      {"FusedConv", {kImage, floats({6, 4, 3, 3}), absent()}, {{"epilogue", ""}}, "no epilogue"},
      {"FusedConv",
       {kImage, typed(Dtype::f16, {6, 4, 3, 3}), absent()},
       {{"epilogue", "relu"}},
       "input 1 (weight)"},
      {"FusedConv", {kImage, floats({6, 4, 3, 3}), absent()}, {{"epilogue", "relu,"}}, "no epilogue"},
      {"FusedConv", {kImage, floats({6, 4, 3, 3}), absent()}, {{"epilogue", "relu6"}}, "no epilogue"},
      {"FusedConv", {kImage, floats({6, 4, 3, 3}), absent()}, {{"epilogue", "clip, clip"}}, "no epilogue"},
      {"FusedConv", {kImage, floats({6, 4, 3, 3}), absent()}, {{"epilogue", "add"}}, "has 0 operands, not 1"},
      {"FusedConv",
       {kImage, floats({6, 4, 3, 3}), absent(), floats({6, 1, 1})},
       {{"epilogue", "add"}},
       "input 3 (operand)"},
      {"FusedConv", {kImage, floats({6, 4, 3, 3}), floats({5})}, {{"epilogue", "relu"}}, "input 2 (bias)"},
      {"FusedConv",
       {kImage, floats({6, 4, 3, 3}), absent(), kFour, kFour},
       {{"prologue", "scale, relu"}},
       "kernels of one pixel"},
      {"FusedConv",
       {kImage, floats({6, 4, 1, 1}), absent(), kFour, floats({5})},
       {{"prologue", "scale, relu"}},
       "the channels of x"},
      {"FusedConv",
       {kImage, floats({6, 4, 1, 1}), absent(), kFour, kFour},
       {{"prologue", "tanh"}},
       "no prologue"},
      {"ConvPool", {kImage, floats({6, 4, 3, 3}), absent()}, {{"pool", "least"}}, "no pooling least"},
      {"ConvPool",
       {kImage, floats({6, 4, 3, 3}), absent()},
       {{"pool", "max"}, {"pool_kernel_shape", "8,1"}},
       "does not fit"},
      {"ConvPool",
       {kImage, floats({6, 4, 3, 3}), absent(), floats({1, 6, 7, 6})},
       {{"epilogue", "add"}, {"pool", "max"}, {"pool_kernel_shape", "2,2"}},
       "must be one number"},
      {"ConvPool",
       {kImage, floats({6, 4, 3, 3}), absent()},
       {{"pool", "mean"}, {"pool_epilogue", "clip"}},
       "no pool_epilogue"},
      {"ConvPool", {floats({1, 4, 9}), floats({6, 4, 3}), absent()}, {{"pool", "mean"}}, "input 0 (x)"},
      {"QLinearConv",
       {typed(u8, {1, 4, 9, 8}), floats({2}), typed(u8, {}), typed(u8, {6, 4, 3, 3}), floats({6}),
        typed(u8, {6}), floats({}), typed(u8, {})},
       {},
       "must be one number"},
      {"Resize", {kImage, absent(), reals({1, 1, 0, 1})}, kResize, "scales must be more than zero"},
      {"Resize", {kImage, absent(), reals({1, 1, 2})}, kResize, "must have 4 elements"},
      {"Resize",
       {kImage, absent(), reals({1, 1, 1, 1}), whole({1, 4, 9, 8})},
       kResize,
       "either scales or sizes"},
      {"Resize", {kImage, absent(), reals({1, 1, 1, 1})}, resize_with("mode", "area"), "which is not known"},
      {"Resize",
       {kImage, absent(), absent(), whole({6, 3})},
       resize_with("axes", "2,4"),
       "the axis 4 is none of 4"},
      {"Resize", {kImage, absent(), reals({1, 1, 1e30f, 1})}, kResize, "too large"},
      {"RoiAlign", {kImage, floats({2, 5}), typed(i64, {2})}, kRoi, "input 1 (rois)"},
      {"STFT", {floats({2, 10, 1}), whole({7}), floats({12})}, {}, "shorter than a frame"},
      {"STFT", {floats({2, 50, 1}), whole({0}), floats({12})}, {}, "must be 1 to 2^31"},
      {"WinogradConv", {kImage, floats({16, 6, 4}), absent()}, {}, "the elements of a transformed kernel"},
      {"WinogradConv", {kImage, floats({36, 6, 5}), absent()}, {}, "the channels of x"},
      {"WinogradConv", {floats({1, 4, 2, 8}), floats({36, 6, 4}), absent()}, {}, "does not fit"},
      {"WinogradConv", {kImage, floats({36, 6, 4}), absent()}, {{"epilogue", "sum"}}, "no epilogue"},
      {"WinogradConv", {kImage, floats({36, 6, 4}), floats({5})}, {}, "input 2 (bias)"},
  };
}

bool names(const std::vector<Row>& rows, std::string_view op) {
  return std::ranges::any_of(rows, [op](const Row& row) { return row.op == op; });
}

TEST(WindowRules, GiveTypes) {
  for (const auto& row : accepted()) {
    SCOPED_TRACE(row.op);
    EXPECT_EQ(infer(row), row.expected);
  }
  for (const auto& op : op_rows::window_rows()) EXPECT_TRUE(names(accepted(), op.name)) << op.name;
}

TEST(WindowRules, RefuseWhatDoesNotFit) {
  for (const auto& row : refused()) {
    SCOPED_TRACE(std::string(row.op) + ": " + row.expected);
    try {
      const auto types = infer(row);
      ADD_FAILURE() << "nothing was thrown: " << types;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
      EXPECT_THAT(error.what(), testing::HasSubstr(row.expected));
    }
  }
  for (const auto& op : op_rows::window_rows()) EXPECT_TRUE(names(refused(), op.name)) << op.name;
}

}  // namespace
}  // namespace lathe
