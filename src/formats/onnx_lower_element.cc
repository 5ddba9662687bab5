// Ops that work element by element. Sums and the like of many tensors become chains of two; what older opsets
// gave as attributes becomes inputs.
#include "formats/onnx_lower_element.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "graph/text_lists.h"

namespace lathe::onnx {
namespace {

using Values = std::vector<ValueId>;

/// The value itself; a copy where nothing computes it, so that a graph which returns it computes something.
/// What has no rank is an input of a body, which may return it.
ValueId unchanged(NodeImport& node, ValueId id) {
  const auto& value = node.graph().value(id);
  return value.kind == ValueKind::computed || !value.type.ranked ? id : node.add("Identity", {id});
}

Values lower_identity(NodeImport& node) { return {unchanged(node, node.inputs().at(0))}; }

std::string target_name(NodeImport& node) {
  constexpr auto kLast = static_cast<std::int64_t>(DataType::float6e3m2);
  const std::int64_t to = node.integer("to", 0);
  if (to < 1 || to > kLast) node.refuse("there is no data type " + std::to_string(to));
  const auto type = static_cast<DataType>(to);
  const auto dtype = dtype_of(type);
  if (!dtype) node.unsupported("elements of type " + std::string(data_type_name(type)) + " are not computed");
  return std::string(info(*dtype).name);
}

Values cast_to(NodeImport& node, const std::string& target) {
  const ValueId x = node.inputs().at(0);
  if (info(node.type(0).dtype).name == target) return {unchanged(node, x)};
  if (node.type(0).dtype == Dtype::string) return {node.add("CastFromString", {x}, {{"to", target}})};
  if (target == info(Dtype::string).name) return {node.add("CastToString", {x})};
  return {node.add("Cast", {x},
                   {{"to", target},
                    {"saturate", node.integer("saturate", 1)},
                    {"round_mode", node.text("round_mode", "up")}})};
}

Values lower_cast(NodeImport& node) { return cast_to(node, target_name(node)); }

Values lower_cast_like(NodeImport& node) { return cast_to(node, std::string(info(node.type(1).dtype).name)); }

Values lower_bit_cast(NodeImport& node) {
  return {node.add("BitCast", {node.inputs().at(0)}, {{"to", target_name(node)}})};
}

/// Before opset 7 the second input broadcasts only where `broadcast` says so, from `axis` on: then it gets
/// ones behind its dimensions. The inputs as they broadcast today.
Values aligned_inputs(NodeImport& node) {
  Values inputs = node.inputs();
  if (node.opset() >= 7 || inputs.size() != 2) return inputs;
  const ValueType& a = node.type(0);
  const ValueType& b = node.type(1);
  if (!a.ranked || !b.ranked) node.unsupported("broadcasting of this opset needs known ranks");
  if (node.integer("broadcast", 0) == 0) {
    if (a.dims != b.dims) node.unsupported("its inputs differ in shape and broadcast is 0");
    return inputs;
  }
  if (!node.has_attribute("axis")) return inputs;
  const auto rank = static_cast<std::int64_t>(a.dims.size());
  const auto own = static_cast<std::int64_t>(b.dims.size());
  const std::int64_t given = node.integer("axis", 0);
  const std::int64_t axis = given < 0 ? given + rank : given;
  if (axis < 0 || axis > rank - own) node.refuse("axis " + std::to_string(given) + " is out of range");
  inputs[1] = with_trailing_ones(node, inputs[1], static_cast<std::size_t>(rank - own - axis));
  return inputs;
}

template <const char* op>
Values lower_arithmetic(NodeImport& node) {
  return {add_general(node, op, aligned_inputs(node))};
}

template <const char* op>
Values lower_broadcast(NodeImport& node) {
  return {node.add(op, aligned_inputs(node))};
}

template <const char* op>
Values lower_chain(NodeImport& node) {
  if (node.inputs().empty()) node.refuse("it has no inputs");
  ValueId result = node.inputs()[0];
  for (std::size_t i = 1; i < node.inputs().size(); ++i)
    result = add_general(node, op, {result, node.inputs()[i]});
  return {node.inputs().size() == 1 ? unchanged(node, result) : result};
}

constexpr char kAdd[] = "Add";
constexpr char kSub[] = "Sub";
constexpr char kMul[] = "Mul";
constexpr char kDiv[] = "Div";
constexpr char kPow[] = "Pow";
constexpr char kAnd[] = "And";
constexpr char kOr[] = "Or";
constexpr char kXor[] = "Xor";
constexpr char kEqual[] = "Equal";
constexpr char kLess[] = "Less";
constexpr char kGreater[] = "Greater";
constexpr char kMax[] = "Max";
constexpr char kMin[] = "Min";

Values lower_mean(NodeImport& node) {
  const ValueId sum = lower_chain<kAdd>(node)[0];
  const auto count = static_cast<double>(node.inputs().size());
  if (count == 1) return {sum};
  return {add_general(node, "Div", {sum, node.constant(count, node.type(0).dtype)})};
}

/// A slope for each channel lies along axis 1 before opset 7.
Values lower_prelu(NodeImport& node) {
  Values inputs = node.inputs();
  if (node.opset() < 7 && node.type(1).ranked && node.type(1).dims.size() == 1 && node.type(1).dims[0] != 1) {
    if (!node.type(0).ranked || node.type(0).dims.size() < 2) node.unsupported("slopes need a known rank");
    inputs[1] = with_trailing_ones(node, inputs[1], node.type(0).dims.size() - 2);
  }
  return {node.add("PRelu", inputs)};
}

/// The float32 row of language models where both bounds are numbers known ahead, else ClipAny.
Values lower_clip(NodeImport& node) {
  constexpr double kGreatest = std::numeric_limits<float>::max();
  const ValueId x = node.inputs().at(0);
  const bool old = node.opset() < 11;
  const auto bound = [&](std::size_t input, const char* name, double otherwise) -> std::optional<double> {
    if (old) return node.real(name, otherwise);
    return node.has(input) ? node.number(input) : otherwise;
  };
  const auto low = bound(1, "min", -kGreatest);
  const auto high = bound(2, "max", kGreatest);
  const bool finite = low && high && std::isfinite(*low) && std::isfinite(*high) && *low <= *high;
  if (node.type(0).dtype == Dtype::f32 && node.type(0).ranked && finite)
    return {node.add("Clip", {x}, {{"min", *low}, {"max", *high}})};
  if (!old) return {node.add("ClipAny", node.inputs())};
  const auto given = [&](const char* name, double value) {
    return node.has_attribute(name) ? node.constant(value, node.type(0).dtype) : node.absent();
  };
  const ValueId least = given("min", *low);
  return {node.add("ClipAny", {x, least, given("max", *high)})};
}

Values lower_gelu(NodeImport& node) {
  const std::string form = node.text("approximate", "none");
  if (node.all_f32() && node.type(0).ranked && (form == "none" || form == "tanh"))
    return {node.add("Gelu", node.inputs(), {{"approximate", std::int64_t{form == "tanh"}}})};
  return node.add_as_given("GeluAny");
}

Values lower_swish(NodeImport& node) {
  if (node.all_f32() && node.type(0).ranked && node.real("alpha", 1) == 1)
    return {node.add("Swish", node.inputs())};
  return node.add_as_given("SwishAny");
}

/// Inference drops nothing. Since opset 12 a run may ask for training; before opset 7 an attribute did.
Values lower_dropout(NodeImport& node) {
  const ValueId x = node.inputs().at(0);
  if (node.opset() < 7 && node.integer("is_test", 0) == 0 && node.real("ratio", 0.5) != 0)
    node.unsupported("of a training step is random");
  if (node.opset() >= 12 && node.has(2) && node.number(2) != 0.0)
    return node.add_node("Dropout", node.inputs());
  if (!node.wants(1)) return {unchanged(node, x)};
  const ValueId mask = node.add_node("Dropout", {x}).at(1);
  if (node.opset() >= 10) return {x, mask};
  return {x, node.add("Cast", {mask}, {{"to", std::string(info(node.type(0).dtype).name)}})};
}

/// Floats of 8 bits are looked at as float32.
Values lower_float_test(NodeImport& node) {
  const std::string& op = node.node().op_type;
  if (info(node.type(0).dtype).block_bytes != 1) return node.add_as_given(op);
  const ValueId x = node.add("Cast", {node.inputs()[0]}, {{"to", std::string("f32")}});
  if (op == "IsNaN") return {node.add(op, {x})};
  return {node.add(op, {x},
                   {{"detect_negative", node.integer("detect_negative", 1)},
                    {"detect_positive", node.integer("detect_positive", 1)}})};
}

constexpr auto kOwn = std::to_array<Lowering>({
    {"", "Add", lower_arithmetic<kAdd>},
    {"", "And", lower_broadcast<kAnd>},
    {"", "BitCast", lower_bit_cast},
    {"", "Cast", lower_cast},
    {"", "CastLike", lower_cast_like},
    {"", "Clip", lower_clip},
    {"", "Div", lower_arithmetic<kDiv>},
    {"", "Dropout", lower_dropout},
    {"", "Equal", lower_broadcast<kEqual>},
    {"", "Gelu", lower_gelu},
    {"", "Greater", lower_broadcast<kGreater>},
    {"", "Identity", lower_identity},
    {"", "IsInf", lower_float_test},
    {"", "IsNaN", lower_float_test},
    {"", "Less", lower_broadcast<kLess>},
    {"", "Max", lower_chain<kMax>},
    {"", "Mean", lower_mean},
    {"", "Min", lower_chain<kMin>},
    {"", "Mul", lower_arithmetic<kMul>},
    {"", "Or", lower_broadcast<kOr>},
    {"", "PRelu", lower_prelu},
    {"", "Pow", lower_arithmetic<kPow>},
    {"", "Sub", lower_arithmetic<kSub>},
    {"", "Sum", lower_chain<kAdd>},
    {"", "Swish", lower_swish},
    {"", "Xor", lower_broadcast<kXor>},
});

}  // namespace

ValueId add_general(NodeImport& node, const std::string& op, const std::vector<ValueId>& inputs) {
  const std::string any = op + "Any";
  if (find_op(any) == nullptr) return node.add(op, inputs);
  auto& graph = node.graph();
  const bool all_f32 =
      std::ranges::all_of(inputs, [&graph](ValueId id) { return graph.value(id).type.dtype == Dtype::f32; });
  if (!all_f32) return node.add(any, inputs);
  const std::size_t values = graph.values.size();
  try {
    return node.add(op, inputs);
  } catch (const Error&) {
    if (graph.values.size() != values) throw;  // a node was added: the fault is another
  }
  return node.add(any, inputs);
}

ValueId with_trailing_ones(NodeImport& node, ValueId id, std::size_t count) {
  if (count == 0) return id;
  const lathe::Value& value = node.graph().value(id);
  if (value.kind == ValueKind::constant) {
    TensorView view = value.data;
    view.shape.insert(view.shape.end(), count, 1);
    return node.constant(std::move(view), value.data_owner);
  }
  lathe::Dims dims = value.type.dims;
  dims.insert(dims.end(), count, lathe::Dim(1));
  const auto shape = dims_text(dims);
  if (!shape) node.unsupported("an input's dimensions have no text");
  return node.add("Reshape", {id}, {{"shape", *shape}});
}

std::span<const Lowering> element_lowerings() {
  static const std::vector<Lowering> kAll = [] {
    std::vector<Lowering> all(kOwn.begin(), kOwn.end());
    for (const auto part : {training_lowerings(), label_lowerings(), n_gram_lowerings(), tree_lowerings()})
      all.insert(all.end(), part.begin(), part.end());
    return all;
  }();
  return kAll;
}

}  // namespace lathe::onnx
