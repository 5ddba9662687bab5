// Convolution, pooling, resizing, images and signals. Attributes stand in the order in which kernels get
// them.
#include "graph/conv_epilogue.h"
#include "graph/op_rows.h"
#include "graph/shape_rules_convolution.h"
#include "graph/shape_rules_sampling.h"
#include "graph/shape_rules_window.h"

namespace lathe::op_rows {
namespace {

constexpr auto kOpaque = FusionKind::opaque;

/// Those of pooling, then the op's own.
std::vector<AttributeSpec> pool_attributes(std::initializer_list<AttributeSpec> own) {
  std::vector<AttributeSpec> specs = {{"auto_pad", kText, 0},  {"ceil_mode", kInteger, 0},
                                      {"dilations", kText, 0}, {"kernel_shape", kText, 0},
                                      {"pads", kText, 0},      {"strides", kText, 0}};
  specs.insert(specs.end(), own.begin(), own.end());
  return specs;
}

/// Those of Conv, then the op's own.
std::vector<AttributeSpec> conv_attributes(std::initializer_list<AttributeSpec> own = {}) {
  std::vector<AttributeSpec> specs = {{"auto_pad", kText, 0}, {"dilations", kText, 0},
                                      {"group", kInteger, 1}, {"kernel_shape", kText, 0},
                                      {"pads", kText, 0},     {"strides", kText, 0}};
  specs.insert(specs.end(), own.begin(), own.end());
  return specs;
}

}  // namespace

std::vector<Op> window_rows() {
  return {
      value_row("AveragePool", 1, 1, 1, pool_attributes({{"count_include_pad", kInteger, 0}}), kOpaque,
                rules::average_pool),
      value_row("BatchNormalization", 5, 5, 1, {{"epsilon", kReal, 1e-5}}, kOpaque,
                rules::batch_normalization),
      // ours: with the mean and variance of x itself; outputs y and the running mean and variance
      value_row("BatchNormalizationTraining", 5, 5, 3, {{"epsilon", kReal, 1e-5}, {"momentum", kReal, 0.9}},
                kOpaque, rules::batch_normalization_training),
      value_row("Col2Im", 3, 3, 1, {{"dilations", kText, 0}, {"pads", kText, 0}, {"strides", kText, 0}},
                kOpaque, rules::col2im, 6),
      // beside ONNX's types: x in float32 and weights in bf16, to which x is rounded then
      value_row("Conv", 2, 3, 1, conv_attributes(), kOpaque, rules::conv),
      value_row("ConvInteger", 2, 4, 1, conv_attributes(), kOpaque, rules::conv_integer),
      // ours: FusedConv, whose epilogue may be none, then pooling "max", "average" or "mean" (of whole
      // images) and functions of what is pooled
      value_row("ConvPool", 3, 3 + kMaxEpilogueSteps + 2, 1,
                conv_attributes({{"epilogue", kText, 0},
                                 {"alpha", kReal, 0},
                                 {"beta", kReal, 0},
                                 {"prologue", kText, 0},
                                 {"pool", kText, kRequired},
                                 {"pool_auto_pad", kText, 0},
                                 {"pool_ceil_mode", kInteger, 0},
                                 {"pool_dilations", kText, 0},
                                 {"pool_kernel_shape", kText, 0},
                                 {"pool_pads", kText, 0},
                                 {"pool_strides", kText, 0},
                                 {"pool_count_include_pad", kInteger, 0},
                                 {"pool_epilogue", kText, 0}}),
                kOpaque, rules::conv_pool),
      value_row("ConvTranspose", 2, 3, 1,
                {{"auto_pad", kText, 0},
                 {"dilations", kText, 0},
                 {"group", kInteger, 1},
                 {"kernel_shape", kText, 0},
                 {"output_padding", kText, 0},
                 {"output_shape", kText, 0},
                 {"pads", kText, 0},
                 {"strides", kText, 0}},
                kOpaque, rules::conv_transpose),
      value_row("DeformConv", 3, 5, 1,
                {{"dilations", kText, 0},
                 {"group", kInteger, 1},
                 {"kernel_shape", kText, 0},
                 {"offset_group", kInteger, 1},
                 {"pads", kText, 0},
                 {"strides", kText, 0}},
                kOpaque, rules::deform_conv),
      // ours: Conv whose outputs go through an epilogue, with its operands behind the bias. A prologue
      // "scale, relu" is relu(x * factors + offsets) by channels, behind all operands
      value_row(
          "FusedConv", 3, 3 + kMaxEpilogueSteps + 2, 1,
          conv_attributes(
              {{"epilogue", kText, 0}, {"alpha", kReal, 0}, {"beta", kReal, 0}, {"prologue", kText, 0}}),
          kOpaque, rules::fused_conv),
      value_row("GlobalAveragePool", 1, 1, 1, {}, kOpaque, rules::global_pool),
      value_row("GlobalLpPool", 1, 1, 1, {{"p", kInteger, 2}}, kOpaque, rules::global_lp_pool),
      value_row("GlobalMaxPool", 1, 1, 1, {}, kOpaque, rules::global_pool),
      // scale_by_group is ours: opset 18 had one scale and bias for each group
      value_row(
          "GroupNormalization", 3, 3, 1,
          {{"epsilon", kReal, 1e-5}, {"num_groups", kInteger, kRequired}, {"scale_by_group", kInteger, 0}},
          kOpaque, rules::group_normalization),
      value_row("InstanceNormalization", 3, 3, 1, {{"epsilon", kReal, 1e-5}}, kOpaque,
                rules::instance_normalization),
      value_row(
          "LRN", 1, 1, 1,
          {{"alpha", kReal, 1e-4}, {"beta", kReal, 0.75}, {"bias", kReal, 1}, {"size", kInteger, kRequired}},
          kOpaque, rules::local_response_normalization),
      value_row("LpPool", 1, 1, 1, pool_attributes({{"p", kInteger, 2}}), kOpaque, rules::lp_pool),
      value_row("MaxPool", 1, 1, kAnyOutputs,
                pool_attributes({{"storage_order", kInteger, 0}, {"outputs", kInteger, 1}}), kOpaque,
                rules::max_pool),
      value_row("MaxUnpool", 2, 3, 1, {{"kernel_shape", kText, 0}, {"pads", kText, 0}, {"strides", kText, 0}},
                kOpaque, rules::max_unpool, 4),
      value_row("QLinearConv", 8, 9, 1, conv_attributes(), kOpaque, rules::linear_conv),
      // ours: Conv with kernels of 3 x 3 and stride 1 by Winograd's transforms, F(4 x 4, 3 x 3); of weights
      // that are transformed, [36, rows, channels]. An empty epilogue is none
      value_row("WinogradConv", 3, 3 + kMaxEpilogueSteps, 1,
                {{"pads", kText, 0}, {"epilogue", kText, 0}, {"alpha", kReal, 0}, {"beta", kReal, 0}},
                kOpaque, rules::winograd_conv),
      // images and signals
      value_row("AffineGrid", 2, 2, 1, {{"align_corners", kInteger, 0}}, kOpaque, rules::affine_grid, 2),
      value_row("CausalConvWithState", 2, 4, 2, {{"activation", kText, 0}}, kOpaque, rules::causal_conv),
      value_row("DFT", 1, 3, 1, {{"inverse", kInteger, 0}, {"onesided", kInteger, 0}}, kOpaque,
                rules::fourier_transform, 6),
      value_row("BlackmanWindow", 1, 1, 1, {{"dtype", kText, 0}, {"periodic", kInteger, 1}}, kOpaque,
                rules::signal_window, 1),
      value_row("GridSample", 2, 2, 1,
                {{"align_corners", kInteger, 0}, {"mode", kText, 0}, {"padding_mode", kText, 0}}, kOpaque,
                rules::grid_sample),
      // a whole file of an image; pixel_format: RGB where empty, BGR, Grayscale
      value_row("ImageDecoder", 1, 1, 1, {{"pixel_format", kText, 0}}, kOpaque, rules::image_decoder),
      value_row("HammingWindow", 1, 1, 1, {{"dtype", kText, 0}, {"periodic", kInteger, 1}}, kOpaque,
                rules::signal_window, 1),
      value_row("HannWindow", 1, 1, 1, {{"dtype", kText, 0}, {"periodic", kInteger, 1}}, kOpaque,
                rules::signal_window, 1),
      value_row("MelWeightMatrix", 5, 5, 1, {{"dtype", kText, 0}}, kOpaque, rules::mel_weight_matrix, 3),
      value_row("Resize", 3, 4, 1,
                {{"antialias", kInteger, 0},
                 {"axes", kText, 0},
                 {"coordinate_transformation_mode", kText, 0},
                 {"cubic_coeff_a", kReal, -0.75},
                 {"exclude_outside", kInteger, 0},
                 {"extrapolation_value", kReal, 0},
                 {"keep_aspect_ratio_policy", kText, 0},
                 {"mode", kText, 0},
                 {"nearest_mode", kText, 0}},
                kOpaque, rules::resize, 12),
      value_row("RoiAlign", 3, 3, 1,
                {{"coordinate_transformation_mode", kText, 0},
                 {"mode", kText, 0},
                 {"output_height", kInteger, 1},
                 {"output_width", kInteger, 1},
                 {"sampling_ratio", kInteger, 0},
                 {"spatial_scale", kReal, 1}},
                kOpaque, rules::roi_align),
      value_row("STFT", 2, 4, 1, {{"onesided", kInteger, 1}}, kOpaque, rules::short_time_fourier_transform,
                10),
  };
}

}  // namespace lathe::op_rows
