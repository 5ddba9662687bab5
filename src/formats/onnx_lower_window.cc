// Convolution, pooling, resizing, images and signals.
#include "base/error.h"
#include "formats/onnx_lower.h"
#include "graph/text_lists.h"

namespace lathe::onnx {
namespace {

std::vector<ValueId> lower_batch_normalization(NodeImport& node) {
  const double epsilon = node.real("epsilon", 1e-5);
  const double momentum = node.real("momentum", 0.9);
  if (node.integer("spatial", 1) != 1) node.unsupported("spatial = 0 is not known");
  if (node.inputs().size() != 5) node.refuse("needs five inputs");
  bool training = node.integer("training_mode", 0) != 0;
  if (node.opset() < 7) training = node.integer("is_test", 0) == 0;
  if (node.opset() < 14 && (training || node.wanted_outputs() > 1))
    node.unsupported("training is known from opset 14 on");
  if (training)
    return node.add_node("BatchNormalizationTraining", node.inputs(),
                         {{"epsilon", epsilon}, {"momentum", momentum}});
  return {node.add("BatchNormalization", node.inputs(), {{"epsilon", epsilon}})};
}

std::vector<ValueId> lower_group_normalization(NodeImport& node) {
  if (!node.has_attribute("num_groups")) node.refuse("num_groups must be given");
  return {node.add("GroupNormalization", node.inputs(),
                   {{"epsilon", node.real("epsilon", 1e-5)},
                    {"num_groups", node.integer("num_groups", 1)},
                    {"scale_by_group", std::int64_t{node.opset() < 21}}})};
}

/// `count` float32 numbers.
ValueId reals_constant(NodeImport& node, std::vector<float> numbers) {
  const auto owner = std::make_shared<std::vector<float>>(std::move(numbers));
  owner->reserve(1);
  return node.constant({reinterpret_cast<const std::byte*>(owner->data()),
                        Dtype::f32,
                        {static_cast<std::int64_t>(owner->size())}},
                       owner);
}

/// Upsample, and Resize before opset 11: elements lie at the first corner of what they become.
std::vector<ValueId> add_upsample(NodeImport& node, ValueId scales) {
  std::string mode = node.text("mode", "nearest");
  if (mode == "bilinear") mode = "linear";
  if (mode != "nearest" && mode != "linear")
    node.unsupported("the mode " + printable(mode) + " is not known");
  return {node.add("Resize", {node.inputs().at(0), node.absent(), scales},
                   {{"coordinate_transformation_mode", "asymmetric"},
                    {"keep_aspect_ratio_policy", "stretch"},
                    {"mode", mode},
                    {"nearest_mode", "floor"}})};
}

std::vector<ValueId> lower_upsample(NodeImport& node) {
  if (node.inputs().empty()) node.refuse("needs an input");
  if (node.opset() >= 9) {
    if (node.inputs().size() != 2) node.refuse("needs two inputs");
    return add_upsample(node, node.inputs()[1]);
  }
  if (node.opset() >= 7) return add_upsample(node, reals_constant(node, node.reals("scales")));
  if (!node.has_attribute("height_scale") || !node.has_attribute("width_scale"))
    node.refuse("height_scale and width_scale must be given");
  return add_upsample(node,
                      reals_constant(node, {1.0f, 1.0f, static_cast<float>(node.real("height_scale", 1)),
                                            static_cast<float>(node.real("width_scale", 1))}));
}

std::vector<ValueId> lower_resize(NodeImport& node) {
  if (node.opset() < 11) {
    if (node.inputs().size() != 2) node.refuse("needs two inputs");
    return add_upsample(node, node.inputs()[1]);
  }
  if (node.inputs().size() < 3) node.refuse("needs scales or sizes");
  const std::string transformation = node.text("coordinate_transformation_mode", "half_pixel");
  if (transformation == "tf_crop_and_resize" && node.inputs().size() < 4)
    node.unsupported("tf_crop_and_resize is known with sizes alone");
  return {node.add("Resize", node.inputs(),
                   {{"antialias", node.integer("antialias", 0)},
                    {"axes", integers_text(node.integers("axes"))},
                    {"coordinate_transformation_mode", transformation},
                    {"cubic_coeff_a", node.real("cubic_coeff_a", -0.75)},
                    {"exclude_outside", node.integer("exclude_outside", 0)},
                    {"extrapolation_value", node.real("extrapolation_value", 0)},
                    {"keep_aspect_ratio_policy", node.text("keep_aspect_ratio_policy", "stretch")},
                    {"mode", node.text("mode", "nearest")},
                    {"nearest_mode", node.text("nearest_mode", "round_prefer_floor")}})};
}

std::vector<ValueId> lower_grid_sample(NodeImport& node) {
  std::string mode = node.text("mode", "linear");
  if (mode == "bilinear") mode = "linear";
  if (mode == "bicubic") mode = "cubic";
  return {node.add("GridSample", node.inputs(),
                   {{"align_corners", node.integer("align_corners", 0)},
                    {"mode", mode},
                    {"padding_mode", node.text("padding_mode", "zeros")}})};
}

std::vector<ValueId> lower_roi_align(NodeImport& node) {
  const std::string otherwise = node.opset() < 16 ? "output_half_pixel" : "half_pixel";
  return {
      node.add("RoiAlign", node.inputs(),
               {{"coordinate_transformation_mode", node.text("coordinate_transformation_mode", otherwise)},
                {"mode", node.text("mode", "avg")},
                {"output_height", node.integer("output_height", 1)},
                {"output_width", node.integer("output_width", 1)},
                {"sampling_ratio", node.integer("sampling_ratio", 0)},
                {"spatial_scale", node.real("spatial_scale", 1)}})};
}

/// The row takes more than ONNX does: weights in bf16 beside x in float32.
std::vector<ValueId> lower_conv(NodeImport& node) {
  if (node.inputs().size() > 1 && node.type(0).dtype != node.type(1).dtype)
    node.refuse("x and the weights must have one type");
  return node.add_as_given("Conv");
}

std::vector<ValueId> lower_causal_conv(NodeImport& node) {
  return node.add_node("CausalConvWithState", node.inputs(),
                       {{"activation", node.text("activation", "none")}});
}

/// Before opset 20 the axis was an attribute.
std::vector<ValueId> lower_fourier_transform(NodeImport& node) {
  auto inputs = node.inputs();
  if (node.opset() < 20) {
    if (inputs.size() > 2) node.refuse("takes two inputs at most");
    if (inputs.size() < 2) inputs.push_back(node.absent());
    inputs.push_back(node.constant(static_cast<double>(node.integer("axis", 1)), Dtype::i64));
  }
  return {node.add("DFT", std::move(inputs),
                   {{"inverse", node.integer("inverse", 0)}, {"onesided", node.integer("onesided", 0)}})};
}

std::string output_dtype(NodeImport& node) {
  const auto dtype = dtype_of(static_cast<DataType>(node.integer("output_datatype", 1)));
  if (!dtype) node.unsupported("its output's type is not known");
  if (*dtype != Dtype::f32 && *dtype != Dtype::f64 && *dtype != Dtype::f16 && *dtype != Dtype::bf16)
    node.unsupported("outputs of type " + std::string(info(*dtype).name) + " are not computed");
  return std::string(info(*dtype).name);
}

std::vector<ValueId> lower_signal_window(NodeImport& node) {
  return {node.add(node.node().op_type, node.inputs(),
                   {{"dtype", output_dtype(node)}, {"periodic", node.integer("periodic", 1)}})};
}

std::vector<ValueId> lower_mel_weight_matrix(NodeImport& node) {
  return {node.add("MelWeightMatrix", node.inputs(), {{"dtype", output_dtype(node)}})};
}

constexpr Lowering kLowerings[] = {
    {"", "BatchNormalization", lower_batch_normalization},
    {"", "BlackmanWindow", lower_signal_window},
    {"", "CausalConvWithState", lower_causal_conv},
    {"", "Conv", lower_conv},
    {"", "DFT", lower_fourier_transform},
    {"", "GridSample", lower_grid_sample},
    {"", "GroupNormalization", lower_group_normalization},
    {"", "HammingWindow", lower_signal_window},
    {"", "HannWindow", lower_signal_window},
    {"", "MelWeightMatrix", lower_mel_weight_matrix},
    {"", "Resize", lower_resize},
    {"", "RoiAlign", lower_roi_align},
    {"", "Upsample", lower_upsample},
};

}  // namespace

std::span<const Lowering> window_lowerings() { return kLowerings; }

}  // namespace lathe::onnx
