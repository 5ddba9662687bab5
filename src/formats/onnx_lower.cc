#include "formats/onnx_lower.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "base/half.h"
#include "formats/onnx_lower_microsoft.h"
#include "graph/text_lists.h"

namespace lathe::onnx {
namespace {

constexpr std::string_view kAbsent = "absent";

template <class Element>
Element element_at(const TensorView& view, std::size_t i) {
  Element element{};
  std::memcpy(&element, view.data + i * sizeof element, sizeof element);
  return element;
}

std::string real_text(double value) {
  std::array<char, 32> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), static_cast<float>(value));
  return {digits.data(), end.ptr};
}

/// What a row's attribute of this kind is from ONNX's; empty where it cannot be.
std::optional<lathe::Attribute> converted(const Attribute& attribute, lathe::AttributeKind kind) {
  if (kind == lathe::AttributeKind::integer && attribute.kind == AttributeKind::integer)
    return attribute.integers.at(0);
  if (kind == lathe::AttributeKind::real && attribute.kind == AttributeKind::real)
    return static_cast<double>(attribute.reals.at(0));
  if (kind != lathe::AttributeKind::text) return std::nullopt;
  if (attribute.kind == AttributeKind::text) return attribute.texts.at(0);
  if (attribute.kind == AttributeKind::integers) return integers_text(attribute.integers);
  if (attribute.kind != AttributeKind::reals) return std::nullopt;
  std::string list;
  for (const float value : attribute.reals)
    list += (list.empty() ? "" : ",") + real_text(static_cast<double>(value));
  return list;
}

const Lowering* find_lowering(const Node& node) {
  for (const auto family : {element_lowerings, array_lowerings, window_lowerings, product_lowerings,
                            sequence_lowerings, string_lowerings, microsoft_lowerings, quantized_lowerings})
    for (const auto& lowering : family())
      if (lowering.op == node.op_type && lowering.domain == node.domain) return &lowering;
  return nullptr;
}

std::vector<std::byte> bytes_of(double number, Dtype dtype) {
  std::vector<std::byte> bytes(info(dtype).block_bytes);
  const auto put = [&bytes](auto element) {
    CHECK(sizeof element == bytes.size());
    std::memcpy(bytes.data(), &element, sizeof element);
  };
  const bool finite = std::isfinite(number) && std::abs(number) < 0x1p63;
  const auto whole = finite ? static_cast<std::int64_t>(number) : 0;
  if (dtype == Dtype::f64) put(number);
  if (dtype == Dtype::f32) put(static_cast<float>(number));
  if (dtype == Dtype::f16) put(float_to_half(static_cast<float>(number)));
  if (dtype == Dtype::bf16) put(float_to_bfloat(static_cast<float>(number)));
  if (dtype == Dtype::i64 || dtype == Dtype::u64) put(whole);
  if (dtype == Dtype::i32 || dtype == Dtype::u32) put(static_cast<std::int32_t>(whole));
  if (dtype == Dtype::i16 || dtype == Dtype::u16) put(static_cast<std::int16_t>(whole));
  if (bytes.size() == 1) put(static_cast<std::int8_t>(whole));
  return bytes;
}

}  // namespace

bool NodeImport::has(std::size_t input) const {
  return input < inputs_.size() && graph_.value(inputs_[input]).type.dtype != Dtype::none;
}

bool NodeImport::all_f32() const {
  return std::ranges::all_of(inputs_, [this](ValueId id) {
    const auto dtype = graph_.value(id).type.dtype;
    return dtype == Dtype::f32 || dtype == Dtype::none;
  });
}

bool NodeImport::wants(std::size_t output) const {
  return output < node_.outputs.size() && !node_.outputs[output].empty();
}

std::size_t NodeImport::wanted_outputs() const {
  std::size_t count = node_.outputs.size();
  while (count > 0 && node_.outputs[count - 1].empty()) --count;
  return count;
}

std::optional<std::vector<std::int64_t>> NodeImport::integers(std::size_t input) const {
  if (!has(input)) return std::nullopt;
  const auto& value = graph_.value(inputs_[input]);
  const bool whole = value.type.dtype == Dtype::i64 || value.type.dtype == Dtype::i32;
  if (value.kind != ValueKind::constant || !whole || value.data.shape.size() > 1) return std::nullopt;
  std::vector<std::int64_t> result(static_cast<std::size_t>(element_count(value.data.shape)));
  for (std::size_t i = 0; i < result.size(); ++i)
    result[i] = value.type.dtype == Dtype::i64 ? element_at<std::int64_t>(value.data, i)
                                               : element_at<std::int32_t>(value.data, i);
  return result;
}

Elements NodeImport::sizes(std::size_t input) const {
  if (!has(input)) return std::nullopt;
  Elements elements = sizes_.of(graph_, inputs_[input]);
  return are_known(elements) ? elements : std::nullopt;
}

std::optional<double> NodeImport::number(std::size_t input) const {
  if (!has(input)) return std::nullopt;
  const auto& value = graph_.value(inputs_[input]);
  if (value.kind != ValueKind::constant || element_count(value.data.shape) != 1) return std::nullopt;
  switch (value.type.dtype) {
    case Dtype::f32:
      return static_cast<double>(element_at<float>(value.data, 0));
    case Dtype::f64:
      return element_at<double>(value.data, 0);
    case Dtype::f16:
      return static_cast<double>(half_to_float(element_at<std::uint16_t>(value.data, 0)));
    case Dtype::bf16:
      return static_cast<double>(bfloat_to_float(element_at<std::uint16_t>(value.data, 0)));
    case Dtype::i64:
      return static_cast<double>(element_at<std::int64_t>(value.data, 0));
    case Dtype::i32:
      return element_at<std::int32_t>(value.data, 0);
    case Dtype::i8:
      return element_at<std::int8_t>(value.data, 0);
    case Dtype::u8:
    case Dtype::boolean:
      return element_at<std::uint8_t>(value.data, 0);
    default:
      return std::nullopt;
  }
}

std::int64_t NodeImport::integer(std::string_view attribute, std::int64_t otherwise) const {
  const auto* found = node_.find(attribute);
  if (found == nullptr) return otherwise;
  if (found->kind != AttributeKind::integer) refuse(std::string(attribute) + " must be an integer");
  return found->integers.at(0);
}

double NodeImport::real(std::string_view attribute, double otherwise) const {
  const auto* found = node_.find(attribute);
  if (found == nullptr) return otherwise;
  if (found->kind != AttributeKind::real) refuse(std::string(attribute) + " must be a real number");
  return static_cast<double>(found->reals.at(0));
}

std::string NodeImport::text(std::string_view attribute, std::string otherwise) const {
  const auto* found = node_.find(attribute);
  if (found == nullptr) return otherwise;
  if (found->kind != AttributeKind::text) refuse(std::string(attribute) + " must be a text");
  return found->texts.at(0);
}

std::vector<std::int64_t> NodeImport::integers(std::string_view attribute) const {
  const auto* found = node_.find(attribute);
  if (found == nullptr) return {};
  if (found->kind != AttributeKind::integers) refuse(std::string(attribute) + " must be integers");
  return found->integers;
}

std::vector<float> NodeImport::reals(std::string_view attribute) const {
  const auto* found = node_.find(attribute);
  if (found == nullptr) return {};
  if (found->kind != AttributeKind::reals) refuse(std::string(attribute) + " must be real numbers");
  return found->reals;
}

std::vector<std::string> NodeImport::texts(std::string_view attribute) const {
  const auto* found = node_.find(attribute);
  if (found == nullptr) return {};
  if (found->kind != AttributeKind::texts) refuse(std::string(attribute) + " must be texts");
  return found->texts;
}

std::string NodeImport::name() const {
  if (!node_.name.empty()) return node_.name;
  for (const auto& output : node_.outputs)
    if (!output.empty()) return output;
  return node_.op_type;
}

std::vector<ValueId> NodeImport::add_node(std::string_view op, std::vector<ValueId> inputs,
                                          Attributes attributes) {
  while (!inputs.empty() && graph_.value(inputs.back()).type.dtype == Dtype::none) inputs.pop_back();
  return graph_.add_node(op, name(), std::move(inputs), std::move(attributes));
}

ValueId NodeImport::add(std::string_view op, std::vector<ValueId> inputs, Attributes attributes) {
  return add_node(op, std::move(inputs), std::move(attributes)).at(0);
}

std::vector<ValueId> NodeImport::add_as_given(std::string_view op) {
  const Op* row = find_op(op);
  if (row == nullptr) unsupported("there is no kernel for it");
  Attributes attributes;
  for (const auto& given : node_.attributes) {
    const auto spec = std::ranges::find(row->attributes, given.name, &AttributeSpec::name);
    if (spec == row->attributes.end())
      unsupported("its attribute " + printable(given.name) + " is not known");
    auto value = converted(given, spec->kind);
    if (!value) unsupported("its attribute " + printable(given.name) + " is of another kind than expected");
    attributes.emplace(given.name, *std::move(value));
  }
  if (std::ranges::find(row->attributes, "outputs", &AttributeSpec::name) != row->attributes.end())
    attributes["outputs"] = static_cast<std::int64_t>(wanted_outputs());
  return add_node(op, inputs_, std::move(attributes));
}

ValueId NodeImport::absent() {
  for (std::size_t i = 0; i < graph_.values.size(); ++i)
    if (graph_.values[i].type.dtype == Dtype::none) return static_cast<ValueId>(i);
  static constexpr std::byte kNothing{};
  return graph_.add_constant(std::string(kAbsent), {&kNothing, Dtype::none, {0}}, nullptr);
}

ValueId NodeImport::constant(std::span<const std::int64_t> integers) {
  const auto copy = std::make_shared<std::vector<std::int64_t>>(integers.begin(), integers.end());
  copy->reserve(1);  // data() of an empty list may be null
  return constant({reinterpret_cast<const std::byte*>(copy->data()),
                   Dtype::i64,
                   {static_cast<std::int64_t>(integers.size())}},
                  copy);
}

ValueId NodeImport::constant(double number, Dtype dtype) {
  const auto bytes = std::make_shared<std::vector<std::byte>>(bytes_of(number, dtype));
  return constant({bytes->data(), dtype, {}}, bytes);
}

ValueId NodeImport::constant(TensorView data, std::shared_ptr<const void> owner) {
  return graph_.add_constant(name() + ".constant", std::move(data), std::move(owner));
}

ValueId NodeImport::constant(const Tensor& tensor) {
  return add_tensor(graph_, name() + ".constant", tensor);
}

void NodeImport::unsupported(const std::string& message) const {
  std::string op = node_.domain.empty() ? node_.op_type : node_.domain + "." + node_.op_type;
  throw Error(ErrorCode::unsupported,
              printable(op) + " (opset " + std::to_string(node_.opset) + "): " + message,
              {file_, node_.offset, printable(name())});
}

void NodeImport::refuse(const std::string& message) const {
  throw Error(ErrorCode::invalid_file, printable(node_.op_type) + ": " + message,
              {file_, node_.offset, printable(name())});
}

std::vector<ValueId> lower(NodeImport& node) {
  if (const auto* lowering = find_lowering(node.node())) return lowering->lower(node);
  if (!node.node().domain.empty()) node.unsupported("the op is not known");
  const std::string any = node.node().op_type + "Any";
  if (find_op(any) == nullptr) return node.add_as_given(node.node().op_type);
  const std::size_t values = node.graph().values.size();
  if (find_op(node.node().op_type) != nullptr && node.all_f32()) {
    try {
      return node.add_as_given(node.node().op_type);
    } catch (const Error& error) {
      if (node.graph().values.size() != values) throw;  // a node was added: the fault is another
    }
  }
  return node.add_as_given(any);
}

}  // namespace lathe::onnx
