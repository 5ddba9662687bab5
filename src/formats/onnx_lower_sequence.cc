// Sequences and optionals.
#include <array>

#include "formats/onnx_lower.h"

namespace lathe::onnx {
namespace {

std::string dtype_text(NodeImport& node, DataType type) {
  const auto dtype = dtype_of(type);
  if (!dtype) node.unsupported("elements of type " + std::string(data_type_name(type)));
  return std::string(info(*dtype).name);
}

std::vector<ValueId> sequence_empty(NodeImport& node) {
  const auto type =
      static_cast<DataType>(node.integer("dtype", static_cast<std::int64_t>(DataType::float32)));
  return node.add_node("SequenceEmpty", {}, {{"dtype", dtype_text(node, type)}});
}

std::vector<ValueId> optional(NodeImport& node) {
  if (node.has(0)) return node.add_node("Optional", node.inputs());
  const auto* attribute = node.node().find("type");
  if (attribute == nullptr || attribute->types.empty()) node.refuse("has neither an element nor a type");
  const Type& type = attribute->types[0];
  const bool list = type.kind == TypeKind::sequence;
  const DataType element = list && type.element != nullptr ? type.element->data_type : type.data_type;
  return node.add_node("Optional", {},
                       {{"dtype", dtype_text(node, element)}, {"sequence", std::int64_t{list ? 1 : 0}}});
}

}  // namespace

std::span<const Lowering> sequence_lowerings() {
  static constexpr std::array kLowerings = {
      Lowering{"", "SequenceEmpty", sequence_empty},
      Lowering{"", "Optional", optional},
  };
  return kLowerings;
}

}  // namespace lathe::onnx
