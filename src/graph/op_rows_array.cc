// Shapes, and moving elements of any type. Attributes stand in the order in which kernels get them.
#include "graph/op_rows.h"
#include "graph/shape_rules_array_ops.h"

namespace lathe::op_rows {
namespace {

/// The row of an op whose result shares input 0's bytes.
Op view_row(std::string_view name, int min_inputs, int max_inputs, std::vector<AttributeSpec> attributes,
            decltype(Op::infer_values) rule, std::uint32_t value_inputs = 0) {
  Op op = value_row(name, min_inputs, max_inputs, 1, std::move(attributes), FusionKind::shuffle, rule,
                    value_inputs);
  op.aliases_input = 0;
  return op;
}

/// The row of an op that looks at input 0's dimensions alone.
Op shape_row(std::string_view name, std::vector<AttributeSpec> attributes, decltype(Op::infer_values) rule) {
  Op op = value_row(name, 1, 1, 1, std::move(attributes), FusionKind::opaque, rule);
  op.reads_shape_alone = true;
  return op;
}

constexpr std::uint32_t input(int index) { return std::uint32_t{1} << index; }
constexpr double kNoEnd = static_cast<double>(kMaxDim);

}  // namespace

std::vector<Op> array_rows() {
  using enum FusionKind;
  namespace rules = array_rules;
  // clang-format off
  const std::vector<AttributeSpec> kExtreme = {{"axis", kInteger, 0}, {"keepdims", kInteger, 1}, {"select_last_index", kInteger, 0}};
  const std::vector<AttributeSpec> kBlocks = {{"blocksize", kInteger, kRequired}, {"mode", kText, 0}};
  const std::vector<AttributeSpec> kRunning = {{"exclusive", kInteger, 0}, {"reverse", kInteger, 0}};
  return {
      value_row("ArgMaxAny", 1, 1, 1, kExtreme, reduction, rules::arg_extreme),
      value_row("ArgMin", 1, 1, 1, kExtreme, reduction, rules::arg_extreme),
      // an empty list of axes: all
      value_row("CenterCropPad", 2, 2, 1, {{"axes", kText, 0}}, shuffle, rules::center_crop_pad, input(1)),
      value_row("Compress", 2, 2, 1, {{"axis", kInteger, kRequired}}, shuffle, rules::compress, input(1)),
      value_row("Concat", 1, kManyInputs, 1, {{"axis", kInteger, kRequired}}, shuffle, rules::concat),
      value_row("ConstantOfShape", 2, 2, 1, {}, opaque, rules::constant_of_shape, input(0)),
      value_row("CumProd", 2, 2, 1, kRunning, opaque, rules::cumulative, input(1)),
      value_row("CumSum", 2, 2, 1, kRunning, opaque, rules::cumulative, input(1)),
      value_row("DepthToSpace", 1, 1, 1, kBlocks, shuffle, rules::depth_to_space),
      // dtype: a number of ours
      shape_row("EyeLike", {{"dtype", kInteger, kRequired}, {"k", kInteger, 0}}, rules::eye_like),
      value_row("ExpandAny", 2, 2, 1, {}, broadcast, rules::expand, input(1)),
      view_row("Flatten", 1, 1, {{"axis", kInteger, 1}}, rules::flatten),
      value_row("GatherAny", 2, 2, 1, {{"axis", kInteger, 0}}, shuffle, rules::gather),
      value_row("GatherElements", 2, 2, 1, {{"axis", kInteger, 0}}, shuffle, rules::gather_elements),
      value_row("GatherND", 2, 2, 1, {{"batch_dims", kInteger, 0}}, shuffle, rules::gather_nd),
      value_row("Hardmax", 1, 1, 1, {{"axis", kInteger, -1}}, reduction, rules::hardmax),
      value_row("NonMaxSuppression", 2, 5, 1, {{"center_point_box", kInteger, 0}}, opaque, rules::non_max_suppression,
                input(0) | input(1) | input(2) | input(3) | input(4)),
      value_row("NonZero", 1, 1, 1, {}, opaque, rules::non_zero, input(0)),
      value_row("OneHot", 3, 3, 1, {{"axis", kInteger, -1}}, opaque, rules::one_hot, input(1)),
      value_row("Pad", 2, 4, 1, {{"mode", kText, 0}}, shuffle, rules::pad, input(1) | input(3)),
      value_row("Range", 3, 3, 1, {}, opaque, rules::range, input(0) | input(1) | input(2)),
      view_row("ReshapeAny", 2, 2, {{"allowzero", kInteger, 0}}, rules::reshape, input(1)),
      value_row("ReverseSequence", 2, 2, 1, {{"batch_axis", kInteger, 1}, {"time_axis", kInteger, 0}}, shuffle,
                rules::reverse_sequence),
      value_row("ScatterElements", 3, 3, 1, {{"axis", kInteger, 0}, {"reduction", kText, 0}}, shuffle,
                rules::scatter_elements),
      value_row("ScatterND", 3, 3, 1, {{"reduction", kText, 0}}, shuffle, rules::scatter_nd),
      shape_row("Shape", {{"start", kInteger, 0}, {"end", kInteger, kNoEnd}}, rules::shape),
      shape_row("Size", {}, rules::size),
      // ours: whole numbers that follow from the inputs' dimensions; elements are expressions (dim_expression.h)
      // of "d1.0", which is dimension 0 of input 1
      value_row("Sizes", 1, kManyInputs, 1, {{"elements", kText, kRequired}, {"rank", kInteger, 1}, {"to", kText, kRequired}}, opaque,
                rules::sizes),
      value_row("Slice", 3, 5, 1, {}, shuffle, rules::slice, input(1) | input(2) | input(3) | input(4)),
      value_row("SpaceToDepth", 1, 1, 1, kBlocks, shuffle, rules::space_to_depth),
      // num_outputs 0: all parts are equal
      value_row("Split", 1, 2, kAnyOutputs, {{"axis", kInteger, 0}, {"num_outputs", kInteger, 0}, {"outputs", kInteger, kRequired}},
                shuffle, rules::split, input(1)),
      view_row("Squeeze", 1, 2, {}, rules::squeeze, input(1)),
      value_row("TensorScatter", 2, 3, 1, {{"mode", kText, 0}, {"axis", kInteger, -2}}, shuffle, rules::tensor_scatter),
      value_row("Tile", 2, 2, 1, {}, shuffle, rules::tile, input(1)),
      value_row("TopKAny", 2, 2, 2, {{"axis", kInteger, -1}, {"largest", kInteger, 1}, {"sorted", kInteger, 1}}, opaque,
                rules::top_k, input(1)),
      value_row("TransposeAny", 1, 1, 1, {{"perm", kText, 0}}, shuffle, rules::transpose),
      value_row("Trilu", 1, 2, 1, {{"upper", kInteger, 1}}, shuffle, rules::trilu),
      value_row("Unique", 1, 1, kAnyOutputs, {{"axis", kInteger, kRequired}, {"sorted", kInteger, 1}, {"outputs", kInteger, 1}},
                opaque, rules::unique, input(0)),
      view_row("Unsqueeze", 2, 2, {}, rules::unsqueeze, input(1)),
  };
  // clang-format on
}

}  // namespace lathe::op_rows
