// Convolution, pooling, resizing, images and signals.
#include "formats/onnx_lower.h"

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

constexpr Lowering kLowerings[] = {
    {"", "BatchNormalization", lower_batch_normalization},
    {"", "GroupNormalization", lower_group_normalization},
};

}  // namespace

std::span<const Lowering> window_lowerings() { return kLowerings; }

}  // namespace lathe::onnx
