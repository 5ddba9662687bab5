// Texts: tensors of them, which a node Strings makes of bytes, and the ops that read or write them.
#include <array>

#include "base/error.h"
#include "formats/onnx_lower.h"
#include "graph/packed_texts.h"
#include "graph/text_lists.h"
#include "text/full_match.h"
#include "text/utf8.h"

namespace lathe::onnx {
namespace {

using Values = std::vector<ValueId>;

std::string utf8_attribute(NodeImport& node, std::string_view attribute, std::string otherwise) {
  std::string text = node.text(attribute, std::move(otherwise));
  if (!is_utf8(text)) node.refuse("its attribute " + std::string(attribute) + " is not UTF-8");
  return text;
}

Values lower_full_match(NodeImport& node) {
  if (!node.has_attribute("pattern")) node.refuse("has no pattern");
  const std::string pattern = utf8_attribute(node, "pattern", {});
  try {
    const FullMatch compiled(pattern);
  } catch (const Error& error) {
    node.refuse(error.what());
  }
  return {node.add("RegexFullMatch", {node.inputs().at(0)}, {{"pattern", pattern}})};
}

Values lower_split(NodeImport& node) {
  return node.add_node(
      "StringSplit", {node.inputs().at(0)},
      {{"delimiter", utf8_attribute(node, "delimiter", {})}, {"maxsplit", node.integer("maxsplit", -1)}});
}

/// The locale is not asked: case is Unicode's.
Values lower_normalizer(NodeImport& node) {
  const auto words = node.texts("stopwords");
  const std::int64_t count = std::ssize(words);
  return {node.add("StringNormalizer", {node.inputs().at(0), node.strings(words, std::span(&count, 1))},
                   {{"case_change_action", node.text("case_change_action", "NONE")},
                    {"is_case_sensitive", node.integer("is_case_sensitive", 0)}})};
}

constexpr auto kStrings = std::to_array<Lowering>({
    {"", "RegexFullMatch", lower_full_match},
    {"", "StringNormalizer", lower_normalizer},
    {"", "StringSplit", lower_split},
});

}  // namespace

ValueId add_strings(lathe::Graph& graph, const std::string& label, std::span<const std::string> texts,
                    std::span<const std::int64_t> dims) {
  const auto bytes = std::make_shared<std::vector<std::byte>>(pack_texts(texts));
  const std::int64_t size = std::ssize(*bytes);
  bytes->reserve(1);  // no elements have an address too
  const ValueId packed = graph.add_constant(label + ".packed", {bytes->data(), Dtype::u8, {size}}, bytes);
  return graph.add("Strings", label, {packed}, {{"shape", integers_text(dims)}});
}

ValueId add_tensor(lathe::Graph& graph, const std::string& label, const Tensor& tensor) {
  if (tensor.data_type == DataType::string) return add_strings(graph, label, tensor.strings, tensor.dims);
  auto [view, owner] = tensor_data(tensor);
  return graph.add_constant(label, std::move(view), std::move(owner));
}

ValueId NodeImport::strings(std::span<const std::string> texts, std::span<const std::int64_t> dims) {
  for (std::size_t i = 0; i < texts.size(); ++i)
    if (!is_utf8(texts[i])) refuse("text " + std::to_string(i) + " of an attribute is not UTF-8");
  return add_strings(graph_, name() + ".texts", texts, dims);
}

std::span<const Lowering> string_lowerings() { return kStrings; }

}  // namespace lathe::onnx
