// ONNX's ops on arrays. Sizes that are constants make the rows of language models, which passes know; others
// make the rows that read them in each run.
#include <algorithm>
#include <array>

#include "formats/onnx_lower.h"
#include "graph/infer.h"
#include "graph/shape_rules_array_ops.h"
#include "graph/text_lists.h"

namespace lathe::onnx {
namespace {

using Values = std::vector<ValueId>;

/// Input `input`, or, as in old opsets, an attribute; absent where there is neither.
ValueId input_or_attribute(NodeImport& node, std::size_t input, std::string_view attribute) {
  if (node.has(input)) return node.inputs()[input];
  return node.has_attribute(attribute) ? node.constant(node.integers(attribute)) : node.absent();
}

/// The text of a Reshape to `to`: axes that stay are 0, one that is neither these nor a number is -1, and
/// others are named. Empty where an axis has no elements.
std::optional<std::string> reshape_text(const Dims& from, const Dims& to) {
  Dims text;
  bool rest = false;
  for (std::size_t i = 0; i < to.size(); ++i) {
    if (!to[i].is_symbolic()) {
      if (to[i].value == 0) return std::nullopt;
      text.push_back(to[i]);
    } else if (i < from.size() && from[i] == to[i]) {
      text.emplace_back(0);
    } else {
      text.push_back(rest ? to[i] : lathe::Dim(-1));
      rest = true;
    }
  }
  return dims_text(text);
}

/// The type that the row `op` would give.
ValueType type_of(NodeImport& node, std::string_view op, const Values& inputs, const Attributes& attributes) {
  lathe::Node row;
  row.op = find_op(op);
  row.inputs = inputs;
  row.attributes = complete_attributes(*row.op, attributes);
  return node.known_sizes().infer(node.graph(), row).at(0);
}

/// A view by the row `op`, or by a Reshape that passes know where all that it takes is known.
Values as_view(NodeImport& node, std::string_view op, Values inputs, Attributes attributes) {
  const ValueType from = node.type(0);
  const auto to = type_of(node, op, inputs, attributes);
  const bool known = is_planned(from) && is_planned(to) && std::ranges::count(from.dims, lathe::Dim(0)) == 0;
  const auto text = known && from.dtype == Dtype::f32 ? reshape_text(from.dims, to.dims) : std::nullopt;
  if (!text) return node.add_node(op, std::move(inputs), std::move(attributes));
  return {node.add("Reshape", {inputs[0]}, {{"shape", *text}})};
}

Values reshape(NodeImport& node) {
  const auto shape = input_or_attribute(node, 1, "shape");
  return as_view(node, "ReshapeAny", {node.inputs().at(0), shape},
                 {{"allowzero", node.integer("allowzero", 0)}});
}

Values squeeze(NodeImport& node) {
  return as_view(node, "Squeeze", {node.inputs().at(0), input_or_attribute(node, 1, "axes")}, {});
}

Values unsqueeze(NodeImport& node) {
  return as_view(node, "Unsqueeze", {node.inputs().at(0), input_or_attribute(node, 1, "axes")}, {});
}

Values flatten(NodeImport& node) {
  return as_view(node, "Flatten", {node.inputs().at(0)}, {{"axis", node.integer("axis", 1)}});
}

Values slice(NodeImport& node) {
  if (!node.has_attribute("starts")) return node.add_as_given("Slice");
  return node.add_node("Slice", {node.inputs().at(0), node.constant(node.integers("starts")),
                                 node.constant(node.integers("ends")), input_or_attribute(node, 3, "axes")});
}

Values expand(NodeImport& node) {
  const auto shape = node.sizes(1);
  const auto is_size = [&node](const lathe::Dim& dim) {
    return at_most(0, dim, node.known_sizes().symbols()) == true;
  };
  if (shape && node.type(0).dtype == Dtype::f32 && is_planned(node.type(0)) &&
      std::ranges::all_of(*shape, is_size) && broadcast(node.type(0).dims, *shape))
    if (const auto text = dims_text(*shape))
      return {node.add("Expand", {node.inputs()[0]}, {{"shape", *text}})};
  return node.add_node("ExpandAny", node.inputs());
}

Values constant_of_shape(NodeImport& node) {
  const auto* value = node.node().find("value");
  if (value == nullptr)
    return node.add_node("ConstantOfShape", {node.inputs().at(0), node.constant(0.0, Dtype::f32)});
  if (value->kind != AttributeKind::tensor) node.refuse("value must be a tensor");
  auto [view, owner] = tensor_data(value->tensors.at(0));
  return node.add_node("ConstantOfShape",
                       {node.inputs().at(0), node.constant(std::move(view), std::move(owner))});
}

Values gather(NodeImport& node) { return node.add_as_given("GatherAny"); }

Values range(NodeImport& node) { return node.add_node("Range", node.inputs()); }

Values concat(NodeImport& node) {
  return node.add_node("Concat", node.inputs(), {{"axis", node.integer("axis", 1)}});  // opset 1: 1
}

/// The input in one dimension, where no axis is given; then that is the axis.
ValueId flat_without_axis(NodeImport& node) {
  const ValueId x = node.inputs().at(0);
  if (node.has_attribute("axis")) return x;
  const std::int64_t all = -1;
  return node.add("ReshapeAny", {x, node.constant(std::span(&all, 1))});
}

Values compress(NodeImport& node) {
  return node.add_node("Compress", {flat_without_axis(node), node.inputs().at(1)},
                       {{"axis", node.integer("axis", 0)}});
}

Values unique(NodeImport& node) {
  return node.add_node("Unique", {flat_without_axis(node)},
                       {{"axis", node.integer("axis", 0)},
                        {"sorted", node.integer("sorted", 1)},
                        {"outputs", static_cast<std::int64_t>(node.wanted_outputs())}});
}

Values arg_max(NodeImport& node) { return node.add_as_given("ArgMaxAny"); }

Values top_k(NodeImport& node) {
  ValueId k = node.absent();
  if (node.inputs().size() > 1) {
    k = node.inputs()[1];
  } else if (node.has_attribute("k")) {  // opset 1
    const std::int64_t number = node.integer("k", 0);
    k = node.constant(std::span(&number, 1));
  }
  return node.add_node("TopKAny", {node.inputs().at(0), k},
                       {{"axis", node.integer("axis", -1)},
                        {"largest", node.integer("largest", 1)},
                        {"sorted", node.integer("sorted", 1)}});
}

Values split(NodeImport& node) {
  const auto outputs = static_cast<std::int64_t>(node.node().outputs.size());
  const auto parts = node.integer("num_outputs", 0);
  if (node.has_attribute("num_outputs") && parts != outputs)
    node.refuse("num_outputs is " + std::to_string(parts) + ", and it has " + std::to_string(outputs));
  if (node.has_attribute("num_outputs") && node.has(1)) node.refuse("both split and num_outputs are given");
  return node.add_node("Split", {node.inputs().at(0), input_or_attribute(node, 1, "split")},
                       {{"axis", node.integer("axis", 0)}, {"num_outputs", parts}, {"outputs", outputs}});
}

Values pad(NodeImport& node) {
  if (node.opset() >= 11) return node.add_as_given("Pad");
  const ValueId x = node.inputs().at(0);
  const auto pads = node.integers(node.has_attribute("pads") ? "pads" : "paddings");  // opset 1
  const ValueId value = node.constant(node.real("value", 0), node.type(0).dtype);
  return node.add_node("Pad", {x, node.constant(pads), value}, {{"mode", node.text("mode")}});
}

Values scatter(NodeImport& node) { return node.add_as_given("ScatterElements"); }

Values eye_like(NodeImport& node) {
  Dtype dtype = node.type(0).dtype;
  if (node.has_attribute("dtype")) {
    const auto number = node.integer("dtype", 0);
    constexpr auto kLast = static_cast<std::int64_t>(DataType::float6e3m2);
    const auto found = number > 0 && number <= kLast ? dtype_of(static_cast<DataType>(number)) : std::nullopt;
    if (!found) node.unsupported("elements of type " + std::to_string(number) + " are not known");
    dtype = *found;
  }
  return node.add_node("EyeLike", {node.inputs().at(0)},
                       {{"dtype", static_cast<std::int64_t>(dtype)}, {"k", node.integer("k", 0)}});
}

Values hardmax(NodeImport& node) {
  constexpr std::int64_t kOneAxis = 13;  // before: over all axes from this one on
  if (node.opset() >= kOneAxis) return node.add_as_given("Hardmax");
  const ValueId x = node.inputs().at(0);
  const ValueId rows = node.add("Flatten", {x}, {{"axis", node.integer("axis", 1)}});
  const ValueId y = node.add("Hardmax", {rows}, {{"axis", std::int64_t{1}}});
  return {node.add("ReshapeAny", {y, node.add("Shape", {x})}, {{"allowzero", std::int64_t{1}}})};
}

Values tile(NodeImport& node) {
  if (node.inputs().size() > 2) node.unsupported("tiles along one axis, as opset 1 has them");
  return node.add_as_given("Tile");
}

constexpr std::array kLowerings = {
    Lowering{"", "ArgMax", arg_max},  Lowering{"", "Compress", compress},
    Lowering{"", "Concat", concat},   Lowering{"", "ConstantOfShape", constant_of_shape},
    Lowering{"", "Expand", expand},   Lowering{"", "EyeLike", eye_like},
    Lowering{"", "Flatten", flatten}, Lowering{"", "Gather", gather},
    Lowering{"", "Hardmax", hardmax}, Lowering{"", "Pad", pad},
    Lowering{"", "Range", range},     Lowering{"", "Reshape", reshape},
    Lowering{"", "Scatter", scatter}, Lowering{"", "Slice", slice},
    Lowering{"", "Split", split},     Lowering{"", "Squeeze", squeeze},
    Lowering{"", "Tile", tile},       Lowering{"", "TopK", top_k},
    Lowering{"", "Unique", unique},   Lowering{"", "Unsqueeze", unsqueeze},
};

}  // namespace

std::span<const Lowering> array_lowerings() { return kLowerings; }

}  // namespace lathe::onnx
