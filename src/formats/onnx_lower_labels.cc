// Ops of ai.onnx.ml that look elements up. Their tables are attributes, and become constants.
#include <array>

#include "formats/onnx_lower_element.h"

namespace lathe::onnx {
namespace {

using Values = std::vector<ValueId>;

Values lower_binarizer(NodeImport& node) {
  return {node.add("Binarizer", {node.inputs().at(0)}, {{"threshold", node.real("threshold", 0)}})};
}

Values lower_extractor(NodeImport& node) { return node.add_as_given("ArrayFeatureExtractor"); }

ValueId tensor_constant(NodeImport& node, const Attribute& attribute) {
  if (attribute.kind != AttributeKind::tensor) node.refuse(attribute.name + " must be a tensor");
  return node.constant(attribute.tensors.at(0));
}

ValueId texts_constant(NodeImport& node, const std::vector<std::string>& texts) {
  const std::int64_t count = std::ssize(texts);
  return node.strings(texts, std::span(&count, 1));
}

ValueId reals_constant(NodeImport& node, std::vector<float> reals) {
  const auto copy = std::make_shared<std::vector<float>>(std::move(reals));
  const auto count = static_cast<std::int64_t>(copy->size());
  return node.constant({reinterpret_cast<const std::byte*>(copy->data()), Dtype::f32, {count}}, copy);
}

/// "keys" or "values": of the one attribute that is given.
ValueId table(NodeImport& node, const std::string& which) {
  const auto* tensor = node.node().find(which + "_tensor");
  const std::string integers = which + "_int64s";
  const std::string reals = which + "_floats";
  const std::string texts = which + "_strings";
  const int given = int{tensor != nullptr} + int{node.has_attribute(integers)} +
                    int{node.has_attribute(reals)} + int{node.has_attribute(texts)};
  if (given != 1) node.refuse("it needs one attribute of " + which);
  if (tensor != nullptr) return tensor_constant(node, *tensor);
  if (node.has_attribute(integers)) return node.constant(node.integers(integers));
  if (node.has_attribute(texts)) return texts_constant(node, node.texts(texts));
  return reals_constant(node, node.reals(reals));
}

ValueId default_value(NodeImport& node, Dtype dtype) {
  const auto* tensor = node.node().find("default_tensor");
  if (tensor != nullptr) return tensor_constant(node, *tensor);
  if (dtype == Dtype::i64 && node.has_attribute("default_int64")) {
    const std::int64_t value = node.integer("default_int64", -1);
    return node.constant(std::span(&value, 1));
  }
  if (dtype == Dtype::string) return texts_constant(node, {node.text("default_string", "_Unused")});
  const bool is_real = dtype == Dtype::f32 || dtype == Dtype::f64;
  return node.constant(is_real ? node.real("default_float", -0.0) : -1.0, dtype);
}

Values lower_label_encoder(NodeImport& node) {
  if (node.opset() < 2) node.unsupported("it maps texts");
  const ValueId keys = table(node, "keys");
  const ValueId values = table(node, "values");
  const ValueId otherwise = default_value(node, node.graph().value(values).type.dtype);
  return {node.add("LabelEncoder", {node.inputs().at(0), keys, values, otherwise})};
}

constexpr std::string_view kDomain = "ai.onnx.ml";

constexpr auto kLabels = std::to_array<Lowering>({
    {kDomain, "ArrayFeatureExtractor", lower_extractor},
    {kDomain, "Binarizer", lower_binarizer},
    {kDomain, "LabelEncoder", lower_label_encoder},
});

}  // namespace

std::span<const Lowering> label_lowerings() { return kLabels; }

}  // namespace lathe::onnx
