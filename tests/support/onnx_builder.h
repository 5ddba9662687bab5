// ONNX files of tests, written field by field.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lathe::test {

/// A protocol buffer message. Fields stand in the order of the calls; the numbers are onnx.proto's.
class Message {
 public:
  Message& integer(std::uint32_t field, std::int64_t value);
  Message& real(std::uint32_t field, float value);
  Message& text(std::uint32_t field, std::string_view bytes);
  Message& message(std::uint32_t field, const Message& inner) { return text(field, inner.bytes()); }
  Message& integers(std::uint32_t field, const std::vector<std::int64_t>& values);  // packed
  Message& reals(std::uint32_t field, const std::vector<float>& values);            // packed
  Message& raw(std::string_view bytes);                                             // whatever it is

  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

std::string varint(std::uint64_t value);

/// The little-endian bytes of numbers.
template <class T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

/// TensorProto with raw_data.
Message onnx_tensor(std::string_view name, int data_type, const std::vector<std::int64_t>& dims,
                    std::string_view raw);
Message onnx_float_tensor(std::string_view name, const std::vector<std::int64_t>& dims,
                          const std::vector<float>& values);

/// ValueInfoProto of a float tensor; -1: the dimension "N".
Message onnx_value(std::string_view name, const std::vector<std::int64_t>& dims, int data_type = 1);

Message onnx_node(std::string_view op, const std::vector<std::string>& inputs,
                  const std::vector<std::string>& outputs, const std::vector<Message>& attributes = {},
                  std::string_view name = {}, std::string_view domain = {});

Message onnx_integer(std::string_view name, std::int64_t value);
Message onnx_real(std::string_view name, float value);
Message onnx_integers(std::string_view name, const std::vector<std::int64_t>& values);
Message onnx_tensor_attribute(std::string_view name, const Message& tensor);
Message onnx_graph_attribute(std::string_view name, const Message& graph);
/// Takes the value of the call's attribute `source`; `type` is AttributeProto's.
Message onnx_reference(std::string_view name, std::string_view source, int type);

struct OnnxGraph {
  std::vector<Message> nodes, initializers, inputs, outputs;
  Message message() const;
};

struct OnnxFunction {
  std::string domain, name;
  std::vector<std::string> inputs, outputs, attributes;
  std::vector<Message> defaults, nodes;
  std::int64_t opset = 21;
  Message message() const;
};

/// ModelProto of IR version 10; functions of the domain "local" are imported.
Message onnx_model(const Message& graph, std::int64_t opset = 21, const std::vector<Message>& functions = {},
                   std::int64_t ir_version = 10);

}  // namespace lathe::test
