// Graphs, nodes and attributes of ONNX files.
#include <algorithm>
#include <array>

#include "base/error.h"
#include "formats/onnx_reader.h"

namespace lathe::onnx {
namespace {

/// AttributeProto.AttributeType, by number, with the field that the value stands in.
struct KindRow {
  AttributeKind kind;
  std::uint32_t field;
};

constexpr std::array kKinds = {
    KindRow{AttributeKind::undefined, 0},       KindRow{AttributeKind::real, 2},
    KindRow{AttributeKind::integer, 3},         KindRow{AttributeKind::text, 4},
    KindRow{AttributeKind::tensor, 5},          KindRow{AttributeKind::graph, 6},
    KindRow{AttributeKind::reals, 7},           KindRow{AttributeKind::integers, 8},
    KindRow{AttributeKind::texts, 9},           KindRow{AttributeKind::tensors, 10},
    KindRow{AttributeKind::graphs, 11},         KindRow{AttributeKind::sparse_tensor, 22},
    KindRow{AttributeKind::sparse_tensors, 23}, KindRow{AttributeKind::type, 14},
    KindRow{AttributeKind::types, 15},
};

std::string to_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Reads the field if it is a value; false if it is none.
bool read_value(WireMessage& message, Attribute& attribute, ReadContext& context) {
  switch (message.field()) {
    case 2:
      attribute.reals.push_back(message.real("f"));
      return true;
    case 3:
      attribute.integers.push_back(message.integer("i"));
      return true;
    case 4:
      attribute.texts.push_back(to_text(message.bytes("s")));
      return true;
    case 5:
      attribute.tensors.push_back(read_tensor(message.message("t"), context));
      return true;
    case 6:
      attribute.graphs.push_back(read_graph(message.message("g"), context));
      return true;
    case 7:
      message.append_reals(attribute.reals, "floats");
      return true;
    case 8:
      message.append_integers(attribute.integers, "ints");
      return true;
    case 9:
      attribute.texts.push_back(to_text(message.bytes_item("strings")));
      return true;
    case 10:
      attribute.tensors.push_back(read_tensor(message.message_item("tensors"), context));
      return true;
    case 11:
      attribute.graphs.push_back(read_graph(message.message_item("graphs"), context));
      return true;
    case 14:
      attribute.types.push_back(read_type(message.message("tp")));
      return true;
    case 15:
      attribute.types.push_back(read_type(message.message_item("type_protos")));
      return true;
    case 22:
      attribute.sparse_tensors.push_back(read_sparse_tensor(message.message("sparse_tensor"), context));
      return true;
    case 23:
      attribute.sparse_tensors.push_back(read_sparse_tensor(message.message_item("sparse_tensors"), context));
      return true;
    default:
      return false;
  }
}

/// A number or text that is zero or empty need not be written.
void add_default(const WireMessage& message, Attribute& attribute) {
  switch (attribute.kind) {
    case AttributeKind::real:
      return attribute.reals.push_back(0);
    case AttributeKind::integer:
      return attribute.integers.push_back(0);
    case AttributeKind::text:
      return attribute.texts.push_back({});
    case AttributeKind::tensor:
    case AttributeKind::graph:
    case AttributeKind::sparse_tensor:
    case AttributeKind::type:
      message.fail("the attribute has no value", attribute.name);
    default:
      return;  // an empty list
  }
}

}  // namespace

std::size_t RecordLimit::count(const WireMessage& message, std::uint32_t field) {
  const std::size_t found = message.count(field);
  if (found > left_)
    throw Error(ErrorCode::resource_limit,
                "the file has more than " + std::to_string(most_) + " " + std::string(what_),
                {message.file().name, message.offset(), {}});
  left_ -= found;
  return found;
}

const Attribute* Node::find(std::string_view attribute) const {
  const auto found = std::find_if(attributes.begin(), attributes.end(),
                                  [&](const Attribute& candidate) { return candidate.name == attribute; });
  return found == attributes.end() ? nullptr : &*found;
}

Attribute read_attribute(WireMessage message, ReadContext& context) {
  Attribute attribute;
  attribute.offset = message.offset();
  const WireMessage whole = message;
  context.tensors.count(message, 10);
  context.values.count(message, 9);
  std::uint32_t value_field = 0;
  std::int64_t kind = 0;
  while (message.next()) {
    if (read_value(message, attribute, context)) {
      if (value_field != 0 && value_field != message.field())
        message.fail("the attribute has values of two kinds", attribute.name);
      value_field = message.field();
    } else if (message.field() == 1) {
      attribute.name = message.text("an attribute's name");
    } else if (message.field() == 20) {
      kind = message.integer("an attribute's type");
    } else if (message.field() == 21) {
      attribute.ref_attr_name = message.text("ref_attr_name");
    }
  }
  if (attribute.name.empty()) whole.fail("an attribute has no name");
  if (kind < 1 || kind >= static_cast<std::int64_t>(kKinds.size()))
    whole.fail("the attribute's type " + std::to_string(kind) + " is not known", attribute.name);
  const KindRow& row = kKinds[static_cast<std::size_t>(kind)];
  attribute.kind = row.kind;
  if (value_field != 0 && value_field != row.field)
    whole.fail("the attribute's value is of another kind than its type says", attribute.name);
  if (value_field != 0 && !attribute.ref_attr_name.empty())
    whole.fail("the attribute has a value and refers to another one", attribute.name);
  if (value_field == 0 && attribute.ref_attr_name.empty()) add_default(whole, attribute);
  return attribute;
}

Node read_node(WireMessage message, ReadContext& context) {
  Node node;
  node.offset = message.offset();
  node.inputs.reserve(context.values.count(message, 1));
  node.outputs.reserve(context.values.count(message, 2));
  node.attributes.reserve(context.attributes.count(message, 5));
  while (message.next()) {
    switch (message.field()) {
      case 1:
        node.inputs.push_back(message.text_item("a node's input"));
        break;
      case 2:
        node.outputs.push_back(message.text_item("a node's output"));
        break;
      case 3:
        node.name = message.text("a node's name");
        break;
      case 4:
        node.op_type = message.text("op_type");
        break;
      case 5:
        node.attributes.push_back(read_attribute(message.message_item("an attribute"), context));
        break;
      case 7:
        node.domain = message.text("a node's domain");
        break;
      case 8:
        node.overload = message.text("a node's overload");
        break;
      default:
        break;
    }
  }
  if (node.domain == "ai.onnx") node.domain.clear();
  return node;
}

Graph read_graph(WireMessage message, ReadContext& context) {
  if (++context.graph_depth > kMaxNesting)
    message.fail("graphs lie more than " + std::to_string(kMaxNesting) + " deep");
  Graph graph;
  graph.offset = message.offset();
  graph.nodes.reserve(context.nodes.count(message, 1));
  graph.initializers.reserve(context.tensors.count(message, 5));
  graph.sparse_initializers.reserve(context.tensors.count(message, 15));
  graph.inputs.reserve(context.infos.count(message, 11));
  graph.outputs.reserve(context.infos.count(message, 12));
  graph.value_infos.reserve(context.infos.count(message, 13));
  while (message.next()) {
    switch (message.field()) {
      case 1:
        graph.nodes.push_back(read_node(message.message_item("a node"), context));
        break;
      case 2:
        graph.name = message.text("the graph's name");
        break;
      case 5:
        graph.initializers.push_back(read_tensor(message.message_item("an initializer"), context));
        break;
      case 11:
        graph.inputs.push_back(read_value_info(message.message_item("an input")));
        break;
      case 12:
        graph.outputs.push_back(read_value_info(message.message_item("an output")));
        break;
      case 13:
        graph.value_infos.push_back(read_value_info(message.message_item("a value")));
        break;
      case 15:
        graph.sparse_initializers.push_back(
            read_sparse_tensor(message.message_item("a sparse initializer"), context));
        break;
      default:
        break;
    }
  }
  --context.graph_depth;
  return graph;
}

}  // namespace lathe::onnx
