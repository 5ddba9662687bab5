#include "support/onnx_builder.h"

namespace lathe::test {

std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  return bytes + static_cast<char>(value);
}

Message& Message::integer(std::uint32_t field, std::int64_t value) {
  bytes_ += varint(field << 3) + varint(static_cast<std::uint64_t>(value));
  return *this;
}

Message& Message::real(std::uint32_t field, float value) {
  bytes_ += varint(field << 3 | 5) + bytes_of(std::vector<float>{value});
  return *this;
}

Message& Message::text(std::uint32_t field, std::string_view bytes) {
  bytes_ += varint(field << 3 | 2) + varint(bytes.size());
  bytes_ += bytes;
  return *this;
}

Message& Message::integers(std::uint32_t field, const std::vector<std::int64_t>& values) {
  std::string packed;
  for (const std::int64_t value : values) packed += varint(static_cast<std::uint64_t>(value));
  return text(field, packed);
}

Message& Message::reals(std::uint32_t field, const std::vector<float>& values) {
  return text(field, bytes_of(values));
}

Message& Message::raw(std::string_view bytes) {
  bytes_ += bytes;
  return *this;
}

Message onnx_tensor(std::string_view name, int data_type, const std::vector<std::int64_t>& dims,
                    std::string_view raw) {
  return Message().integers(1, dims).integer(2, data_type).text(8, name).text(9, raw);
}

Message onnx_float_tensor(std::string_view name, const std::vector<std::int64_t>& dims,
                          const std::vector<float>& values) {
  return onnx_tensor(name, 1, dims, bytes_of(values));
}

Message onnx_value(std::string_view name, const std::vector<std::int64_t>& dims, int data_type) {
  Message shape;
  for (const std::int64_t dim : dims)
    shape.message(1, dim < 0 ? Message().text(2, "N") : Message().integer(1, dim));
  const Message tensor = Message().integer(1, data_type).message(2, shape);
  return Message().text(1, name).message(2, Message().message(1, tensor));
}

Message onnx_node(std::string_view op, const std::vector<std::string>& inputs,
                  const std::vector<std::string>& outputs, const std::vector<Message>& attributes,
                  std::string_view name, std::string_view domain) {
  Message node;
  for (const std::string& input : inputs) node.text(1, input);
  for (const std::string& output : outputs) node.text(2, output);
  if (!name.empty()) node.text(3, name);
  node.text(4, op);
  for (const Message& attribute : attributes) node.message(5, attribute);
  if (!domain.empty()) node.text(7, domain);
  return node;
}

Message onnx_integer(std::string_view name, std::int64_t value) {
  return Message().text(1, name).integer(3, value).integer(20, 2);
}

Message onnx_real(std::string_view name, float value) {
  return Message().text(1, name).real(2, value).integer(20, 1);
}

Message onnx_integers(std::string_view name, const std::vector<std::int64_t>& values) {
  return Message().text(1, name).integers(8, values).integer(20, 7);
}

Message onnx_tensor_attribute(std::string_view name, const Message& tensor) {
  return Message().text(1, name).message(5, tensor).integer(20, 4);
}

Message onnx_graph_attribute(std::string_view name, const Message& graph) {
  return Message().text(1, name).message(6, graph).integer(20, 5);
}

Message onnx_reference(std::string_view name, std::string_view source, int type) {
  return Message().text(1, name).integer(20, type).text(21, source);
}

Message OnnxGraph::message() const {
  Message graph;
  for (const Message& node : nodes) graph.message(1, node);
  graph.text(2, "graph");
  for (const Message& initializer : initializers) graph.message(5, initializer);
  for (const Message& input : inputs) graph.message(11, input);
  for (const Message& output : outputs) graph.message(12, output);
  return graph;
}

Message OnnxFunction::message() const {
  Message function;
  function.text(1, name);
  for (const std::string& input : inputs) function.text(4, input);
  for (const std::string& output : outputs) function.text(5, output);
  for (const std::string& attribute : attributes) function.text(6, attribute);
  for (const Message& node : nodes) function.message(7, node);
  function.message(9, Message().text(1, "").integer(2, opset));
  function.message(9, Message().text(1, "local").integer(2, 1));
  function.text(10, domain);
  for (const Message& attribute : defaults) function.message(11, attribute);
  return function;
}

Message onnx_model(const Message& graph, std::int64_t opset, const std::vector<Message>& functions,
                   std::int64_t ir_version) {
  Message model;
  model.integer(1, ir_version).text(2, "tests").message(7, graph);
  model.message(8, Message().text(1, "").integer(2, opset));
  if (!functions.empty()) model.message(8, Message().text(1, "local").integer(2, 1));
  for (const Message& function : functions) model.message(25, function);
  return model;
}

}  // namespace lathe::test
