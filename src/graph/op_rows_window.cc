// Convolution, pooling, resizing, images and signals. Attributes stand in the order in which kernels get
// them.
#include "graph/op_rows.h"
#include "graph/shape_rules_convolution.h"
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

std::vector<AttributeSpec> conv_attributes() {
  return {{"auto_pad", kText, 0},     {"dilations", kText, 0}, {"group", kInteger, 1},
          {"kernel_shape", kText, 0}, {"pads", kText, 0},      {"strides", kText, 0}};
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
      value_row("Conv", 2, 3, 1, conv_attributes(), kOpaque, rules::conv),
      value_row("ConvInteger", 2, 4, 1, conv_attributes(), kOpaque, rules::conv_integer),
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
  };
}

}  // namespace lathe::op_rows
