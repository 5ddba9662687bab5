// Models, functions and the values that the conformance suite keeps in files of their own.
#include "formats/onnx_model.h"

#include <algorithm>

#include "base/error.h"
#include "formats/onnx_check.h"
#include "formats/onnx_reader.h"

namespace lathe::onnx {
namespace {

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

/// A file with what reading it needs.
struct OpenFile {
  explicit OpenFile(const std::shared_ptr<const MappedFile>& file)
      : wire{file->path(), file->bytes()}, external(folder_of(file->path())), context{wire, file, external} {}
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  WireFile wire;
  ExternalFiles external;
  ReadContext context;
};

OpsetImport read_opset(WireMessage message) {
  OpsetImport opset;
  while (message.next()) {
    if (message.field() == 1) opset.domain = message.text("a domain");
    if (message.field() == 2) opset.version = message.integer("a domain's version");
  }
  if (opset.domain == "ai.onnx") opset.domain.clear();
  if (opset.version < 1)
    message.fail("the version " + std::to_string(opset.version) + " of the domain '" +
                     printable(opset.domain) + "' does not exist",
                 opset.domain);
  return opset;
}

/// An import that is there already must be of the same version.
void add_opset(std::vector<OpsetImport>& imports, OpsetImport opset, const WireMessage& message) {
  const auto same = std::find_if(imports.begin(), imports.end(),
                                 [&](const OpsetImport& import) { return import.domain == opset.domain; });
  constexpr std::size_t kMostImports = 1024;
  if (imports.size() == kMostImports) message.fail("more than 1024 domains are imported");
  if (same == imports.end())
    imports.push_back(std::move(opset));
  else if (same->version != opset.version)
    message.fail("the domain '" + printable(opset.domain) + "' is imported in two versions", opset.domain);
}

Function read_function(WireMessage message, ReadContext& context) {
  Function function;
  function.offset = message.offset();
  function.nodes.reserve(context.nodes.count(message, 7));
  context.values.count(message, 4);
  context.values.count(message, 5);
  context.attributes.count(message, 6);
  context.attributes.count(message, 11);
  context.infos.count(message, 12);
  while (message.next()) {
    switch (message.field()) {
      case 1:
        function.name = message.text("a function's name");
        break;
      case 4:
        function.inputs.push_back(message.text_item("a function's input"));
        break;
      case 5:
        function.outputs.push_back(message.text_item("a function's output"));
        break;
      case 6:
        function.attributes.push_back(message.text_item("a function's attribute"));
        break;
      case 7:
        function.nodes.push_back(read_node(message.message_item("a node"), context));
        break;
      case 9:
        add_opset(function.opset_imports, read_opset(message.message_item("an opset")), message);
        break;
      case 10:
        function.domain = message.text("a function's domain");
        break;
      case 11:
        function.default_attributes.push_back(
            read_attribute(message.message_item("a default attribute"), context));
        break;
      case 12:
        function.value_infos.push_back(read_value_info(message.message_item("a value")));
        break;
      case 13:
        function.overload = message.text("a function's overload");
        break;
      default:
        break;
    }
  }
  if (function.domain == "ai.onnx") function.domain.clear();
  return function;
}

void read_metadata(WireMessage message, Model& model) {
  std::string key, value;
  while (message.next()) {
    if (message.field() == 1) key = message.text("a key of the metadata");
    if (message.field() != 2) continue;
    const auto bytes = message.bytes("a value of the metadata");
    value.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  model.metadata.insert_or_assign(std::move(key), std::move(value));
}

Model read_model(WireMessage message, ReadContext& context) {
  Model model;
  model.file = message.file().name;
  bool has_graph = false;
  RecordLimit functions(65'536, "functions");
  model.functions.reserve(functions.count(message, 25));
  while (message.next()) {
    switch (message.field()) {
      case 1:
        model.ir_version = message.integer("ir_version");
        break;
      case 2:
        model.producer_name = message.text("producer_name");
        break;
      case 3:
        model.producer_version = message.text("producer_version");
        break;
      case 7:
        model.graph = read_graph(message.message("the graph"), context);
        has_graph = true;
        break;
      case 8:
        add_opset(model.opset_imports, read_opset(message.message_item("an opset")), message);
        break;
      case 14:
        read_metadata(message.message_item("metadata"), model);
        break;
      case 25:
        model.functions.push_back(read_function(message.message_item("a function"), context));
        break;
      default:
        break;
    }
  }
  if (!has_graph) message.fail("the file has no graph: it is no ONNX network, or is cut off");
  return model;
}

Value read_optional(WireMessage message, ReadContext& context, int depth);

/// SequenceProto: name 1, elem_type 2, then a list in the field after the type's number: 3 tensors, 4 sparse
/// tensors, 5 sequences, 6 maps, 7 optionals. OptionalProto has single values in the same fields.
Value read_element(const WireMessage& message, ReadContext& context, int depth);

Value read_sequence(WireMessage message, ReadContext& context, int depth) {
  Value value;
  value.kind = TypeKind::sequence;
  for (std::uint32_t field = 3; field <= 7; ++field) context.tensors.count(message, field);
  while (message.next()) {
    if (message.field() == 1)
      value.name = message.text("a sequence's name");
    else if (message.field() >= 3)
      value.elements.push_back(read_element(message, context, depth));
  }
  return value;
}

Value read_optional(WireMessage message, ReadContext& context, int depth) {
  Value value;
  value.kind = TypeKind::optional;
  while (message.next()) {
    if (message.field() == 1) value.name = message.text("an optional's name");
    if (message.field() < 3) continue;
    if (!value.elements.empty()) message.fail("an optional has two values");
    value.elements.push_back(read_element(message, context, depth));
  }
  return value;
}

Value read_element(const WireMessage& message, ReadContext& context, int depth) {
  if (depth > kMaxNesting) message.fail("values lie more than " + std::to_string(kMaxNesting) + " deep");
  const WireMessage element = message.message_item("an element");
  Value value;
  switch (message.field()) {
    case 3:
      value.kind = TypeKind::tensor;
      value.tensor = read_tensor(element, context);
      value.name = value.tensor.name;
      return value;
    case 4:
      value.kind = TypeKind::sparse_tensor;
      value.sparse = read_sparse_tensor(element, context);
      return value;
    case 5:
      return read_sequence(element, context, depth + 1);
    case 7:
      return read_optional(element, context, depth + 1);
    default:
      message.fail("elements of the kind " + std::to_string(message.field()) + " cannot be read");
  }
}

}  // namespace

std::optional<std::int64_t> Model::opset(std::string_view domain) const {
  for (const OpsetImport& import : opset_imports)
    if (import.domain == domain) return import.version;
  return std::nullopt;
}

Model read_onnx(const std::shared_ptr<const MappedFile>& file) {
  OpenFile open(file);
  Model model = read_model(WireMessage(open.wire), open.context);
  check_model(model);
  return model;
}

Model read_onnx(const std::string& path) { return read_onnx(MappedFile::open(path)); }

Tensor read_tensor_file(const std::shared_ptr<const MappedFile>& file) {
  OpenFile open(file);
  return read_tensor(WireMessage(open.wire), open.context);
}

Value read_sequence_file(const std::shared_ptr<const MappedFile>& file) {
  OpenFile open(file);
  return read_sequence(WireMessage(open.wire), open.context, 1);
}

Value read_optional_file(const std::shared_ptr<const MappedFile>& file) {
  OpenFile open(file);
  return read_optional(WireMessage(open.wire), open.context, 1);
}

}  // namespace lathe::onnx
