// ONNX networks that keep to the rules, as structs.
#include "formats/onnx_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <filesystem>

#include "formats/onnx_check.h"
#include "onnx_refusal.h"
#include "support/onnx_builder.h"
#include "support/temporary_file.h"
#include "support/temporary_folder.h"

namespace lathe::onnx {
namespace {

using test::expect_onnx_read;
using test::Message;
using test::onnx_float_tensor;
using test::onnx_model;
using test::onnx_node;
using test::onnx_value;
using test::OnnxGraph;
using testing::ElementsAre;
using testing::IsEmpty;

template <class T>
std::vector<T> elements(const Tensor& tensor) {
  std::vector<T> values(tensor.bytes.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
  return values;
}

/// The tensor of a file that holds it alone.
Tensor tensor_of(const Message& message) {
  const test::TemporaryFile file(message.bytes(), ".pb");
  return read_tensor_file(MappedFile::open(file.path()));
}

OnnxGraph linear_graph() {
  OnnxGraph graph;
  graph.inputs = {onnx_value("x", {-1, 2})};
  graph.outputs = {onnx_value("y", {-1, 3})};
  graph.initializers = {onnx_float_tensor("w", {2, 3}, {1, 2, 3, 4, 5, 6})};
  graph.nodes = {onnx_node("Gemm", {"x", "w"}, {"y"}, {test::onnx_real("alpha", 0.5f)}, "first")};
  return graph;
}

TEST(OnnxModel, ReadsAGraph) {
  Message message = onnx_model(linear_graph().message());
  message.message(14, Message().text(1, "key").text(2, "value")).text(3, "7").text(99, "unknown");
  const Model model = expect_onnx_read(message.bytes());
  EXPECT_EQ(model.ir_version, 10);
  EXPECT_EQ(model.opset(""), 21);
  EXPECT_EQ(model.opset("ai.onnx.ml"), std::nullopt);
  EXPECT_EQ(model.producer_name, "tests");
  EXPECT_EQ(model.producer_version, "7");
  EXPECT_EQ(model.metadata.at("key"), "value");
  ASSERT_EQ(model.graph.nodes.size(), 1u);
  const Node& node = model.graph.nodes[0];
  EXPECT_EQ(node.op_type, "Gemm");
  EXPECT_EQ(node.name, "first");
  EXPECT_EQ(node.opset, 21);
  EXPECT_THAT(node.inputs, ElementsAre("x", "w"));
  EXPECT_THAT(node.outputs, ElementsAre("y"));
  ASSERT_NE(node.find("alpha"), nullptr);
  EXPECT_THAT(node.find("alpha")->reals, ElementsAre(0.5f));
  EXPECT_EQ(node.find("beta"), nullptr);
  const Type& type = model.graph.inputs.at(0).type;
  EXPECT_EQ(type.kind, TypeKind::tensor);
  EXPECT_EQ(type.data_type, DataType::float32);
  ASSERT_EQ(type.dims.size(), 2u);
  EXPECT_EQ(type.dims[0].parameter, "N");
  EXPECT_EQ(type.dims[0].value, std::nullopt);
  EXPECT_EQ(type.dims[1].value, 2);
  EXPECT_THAT(elements<float>(model.graph.initializers.at(0)), ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST(OnnxModel, ADimensionOfMinusOneIsOneThatIsNotSaid) {
  const Message shape = Message().message(1, Message().integer(1, -1)).message(1, Message().integer(1, 2));
  OnnxGraph graph = linear_graph();
  graph.inputs[0] =
      Message().text(1, "x").message(2, Message().message(1, Message().integer(1, 1).message(2, shape)));
  const Model model = expect_onnx_read(onnx_model(graph.message()).bytes());
  const Type& type = model.graph.inputs.at(0).type;
  EXPECT_EQ(type.dims.at(0).value, std::nullopt);
  EXPECT_EQ(type.dims.at(0).parameter, "");
  EXPECT_EQ(type.dims.at(1).value, 2);
}

TEST(OnnxModel, ViewsRawDataInTheFileAndKeepsIt) {
  std::optional<Model> model;
  std::weak_ptr<const MappedFile> watched;
  {
    const test::TemporaryFile file(onnx_model(linear_graph().message()).bytes(), ".onnx");
    const auto mapped = MappedFile::open(file.path());
    watched = mapped;
    model = read_onnx(mapped);
    const Tensor& tensor = model->graph.initializers.at(0);
    EXPECT_GE(tensor.bytes.data(), mapped->bytes().data());
    EXPECT_LE(tensor.bytes.data() + 24, mapped->bytes().data() + mapped->bytes().size());
  }
  EXPECT_FALSE(watched.expired());
  EXPECT_THAT(elements<float>(model->graph.initializers.at(0)), ElementsAre(1, 2, 3, 4, 5, 6));
  model.reset();
  EXPECT_TRUE(watched.expired());
}

TEST(OnnxModel, AlignsByCopyingOnlyWhatIsNot) {
  alignas(64) std::array<std::byte, 128> memory{};
  memory[65] = std::byte{9};
  Tensor tensor;
  tensor.bytes = std::span<const std::byte>(memory).subspan(64);
  EXPECT_EQ(aligned(tensor, 64).bytes.data(), &memory[64]);
  tensor.bytes = std::span<const std::byte>(memory).subspan(65, 3);
  const Tensor moved = aligned(tensor, 64);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(moved.bytes.data()) % 64, 0u);
  EXPECT_EQ(moved.bytes.size(), 3u);
  EXPECT_EQ(moved.bytes[0], std::byte{9});
}

TEST(OnnxModel, ReadsEveryKindOfAttribute) {
  const Message tensor = onnx_float_tensor("t", {1}, {3});
  const Message sparse = Message()
                             .message(1, onnx_float_tensor("s", {2}, {1, 2}))
                             .message(2, test::onnx_tensor("", 7, {2}, test::bytes_of<std::int64_t>({0, 5})))
                             .integers(3, {2, 3});
  OnnxGraph inner;
  inner.outputs = {onnx_value("x", {})};
  const Message graph = inner.message();
  const Message type =
      Message().message(4, Message().message(1, Message().message(1, Message().integer(1, 7))));
  const auto named = [](const char* name, int kind) { return Message().text(1, name).integer(20, kind); };
  const std::vector<Message> attributes = {
      named("f", 1).real(2, 1.5f),
      named("i", 2).integer(3, -2),
      named("s", 3).text(4, "\xff bytes"),
      named("t", 4).message(5, tensor),
      named("g", 5).message(6, graph),
      named("fs", 6).real(7, 1).real(7, 2),
      named("is", 7).integer(8, 1).integer(8, -1),
      named("ss", 8).text(9, "a").text(9, "b"),
      named("ts", 9).message(10, tensor).message(10, tensor),
      named("gs", 10).message(11, graph),
      named("st", 11).message(22, sparse),
      named("sts", 12).message(23, sparse),
      named("tp", 13).message(14, type),
      named("tps", 14).message(15, type),
      named("zero", 2),
      named("none", 7),
  };
  OnnxGraph outer;
  outer.inputs = {onnx_value("x", {})};
  outer.outputs = {onnx_value("y", {})};
  outer.nodes = {onnx_node("If", {"x"}, {"y"}, attributes)};
  const Model model = expect_onnx_read(onnx_model(outer.message()).bytes());
  const Node& node = model.graph.nodes.at(0);
  EXPECT_THAT(node.find("f")->reals, ElementsAre(1.5f));
  EXPECT_THAT(node.find("i")->integers, ElementsAre(-2));
  EXPECT_THAT(node.find("s")->texts, ElementsAre("\xff bytes"));
  EXPECT_THAT(elements<float>(node.find("t")->tensors.at(0)), ElementsAre(3));
  EXPECT_EQ(node.find("g")->graphs.at(0).outputs.at(0).name, "x");
  EXPECT_THAT(node.find("fs")->reals, ElementsAre(1, 2));
  EXPECT_THAT(node.find("is")->integers, ElementsAre(1, -1));
  EXPECT_THAT(node.find("ss")->texts, ElementsAre("a", "b"));
  EXPECT_EQ(node.find("ts")->tensors.size(), 2u);
  EXPECT_EQ(node.find("gs")->graphs.size(), 1u);
  EXPECT_THAT(node.find("st")->sparse_tensors.at(0).dims, ElementsAre(2, 3));
  EXPECT_EQ(node.find("sts")->sparse_tensors.at(0).values.name, "s");
  EXPECT_EQ(node.find("tp")->types.at(0).kind, TypeKind::sequence);
  EXPECT_EQ(node.find("tps")->types.at(0).element->data_type, DataType::int64);
  EXPECT_THAT(node.find("zero")->integers, ElementsAre(0));
  EXPECT_THAT(node.find("none")->integers, IsEmpty());
}

TEST(OnnxModel, ReadsTypes) {
  const auto tensor = Message().message(1, Message().integer(1, 1));
  const auto value = [](const char* name, const Message& type) {
    return Message().text(1, name).message(2, type);
  };
  OnnxGraph graph;
  graph.inputs = {value("unknown rank", tensor), value("scalar", onnx_value("", {})),
                  value("optional", Message().message(9, Message().message(1, tensor))),
                  value("map", Message().message(5, Message().integer(1, 8).message(2, tensor))),
                  onnx_value("s", {})};
  graph.inputs[1] = onnx_value("scalar", {});
  const Model model = expect_onnx_read(onnx_model(graph.message()).bytes());
  EXPECT_FALSE(model.graph.inputs.at(0).type.has_shape);
  EXPECT_TRUE(model.graph.inputs.at(1).type.has_shape);
  EXPECT_THAT(model.graph.inputs.at(1).type.dims, IsEmpty());
  EXPECT_EQ(model.graph.inputs.at(2).type.kind, TypeKind::optional);
  EXPECT_EQ(model.graph.inputs.at(2).type.element->data_type, DataType::float32);
  EXPECT_EQ(model.graph.inputs.at(3).type.kind, TypeKind::map);
  EXPECT_EQ(model.graph.inputs.at(3).type.data_type, DataType::string);
}

TEST(OnnxModel, SubgraphsReadNamesOfTheGraphsAroundThem) {
  OnnxGraph inner;
  inner.nodes = {onnx_node("Add", {"x", "w"}, {"z"})};
  inner.outputs = {onnx_value("z", {}), onnx_value("x", {})};
  OnnxGraph outer = linear_graph();
  outer.nodes.push_back(
      onnx_node("If", {"y"}, {"a"}, {test::onnx_graph_attribute("then_branch", inner.message())}));
  outer.nodes.push_back(
      onnx_node("If", {"y"}, {"b"}, {test::onnx_graph_attribute("then_branch", inner.message())}));
  const Model model = expect_onnx_read(onnx_model(outer.message()).bytes());
  EXPECT_EQ(model.graph.nodes.at(1).attributes.at(0).graphs.at(0).nodes.at(0).opset, 21);
}

TEST(OnnxModel, EmptyNamesAreValuesThatAreNotGiven) {
  OnnxGraph graph = linear_graph();
  graph.nodes.push_back(onnx_node("Clip", {"y", "", "w"}, {"a", "", ""}));
  const Model model = expect_onnx_read(onnx_model(graph.message()).bytes());
  EXPECT_THAT(model.graph.nodes.at(1).inputs, ElementsAre("y", "", "w"));
}

TEST(OnnxModel, TakesAiOnnxAsTheDomainWithoutName) {
  OnnxGraph graph = linear_graph();
  graph.nodes = {onnx_node("Gemm", {"x", "w"}, {"y"}, {}, {}, "ai.onnx")};
  Message message = onnx_model(graph.message());
  message.message(8, Message().text(1, "ai.onnx").integer(2, 21));
  const Model model = expect_onnx_read(message.bytes());
  EXPECT_EQ(model.graph.nodes.at(0).domain, "");
  EXPECT_EQ(model.opset_imports.size(), 1u);
}

TEST(OnnxTensor, ReadsNumbersOfEveryField) {
  const auto tensor = [](int type, std::int64_t count) {
    return Message().integer(1, count).integer(2, type);
  };
  EXPECT_THAT(elements<float>(tensor_of(tensor(1, 3).reals(4, {1, 2}).real(4, 3))), ElementsAre(1, 2, 3));
  EXPECT_THAT(elements<float>(tensor_of(tensor(14, 1).reals(4, {1, 2}))), ElementsAre(1, 2));
  const std::string doubles = test::bytes_of<double>({1, 2});
  EXPECT_THAT(elements<double>(tensor_of(tensor(11, 2).text(10, doubles))), ElementsAre(1, 2));
  EXPECT_THAT(elements<double>(tensor_of(tensor(15, 1).text(10, doubles))), ElementsAre(1, 2));
  EXPECT_THAT(elements<std::int32_t>(tensor_of(tensor(6, 2).integers(5, {-1, 2}))), ElementsAre(-1, 2));
  EXPECT_THAT(elements<std::int16_t>(tensor_of(tensor(5, 2).integers(5, {-1, 2}))), ElementsAre(-1, 2));
  EXPECT_THAT(elements<std::int8_t>(tensor_of(tensor(3, 2).integer(5, -1).integer(5, 2))),
              ElementsAre(-1, 2));
  EXPECT_THAT(elements<std::uint8_t>(tensor_of(tensor(2, 2).integers(5, {255, 2}))), ElementsAre(255, 2));
  EXPECT_THAT(elements<std::uint8_t>(tensor_of(tensor(9, 2).integers(5, {1, 0}))), ElementsAre(1, 0));
  EXPECT_THAT(elements<std::uint16_t>(tensor_of(tensor(10, 1).integers(5, {0xfc00}))), ElementsAre(0xfc00));
  EXPECT_THAT(elements<std::int64_t>(tensor_of(tensor(7, 2).integers(7, {-1, 1ll << 40}))),
              ElementsAre(-1, 1ll << 40));
  EXPECT_THAT(elements<std::uint64_t>(tensor_of(tensor(13, 1).integers(11, {-1}))), ElementsAre(~0ull));
  EXPECT_THAT(elements<std::uint32_t>(tensor_of(tensor(12, 1).integers(11, {4294967295}))),
              ElementsAre(4294967295u));
  EXPECT_THAT(tensor_of(tensor(8, 2).text(6, "a").text(6, "ä")).strings, ElementsAre("a", "ä"));
}

TEST(OnnxTensor, KeepsElementsBelowAByteAsTheyArePacked) {
  const auto tensor = [](int type, std::int64_t count) {
    return Message().integer(1, count).integer(2, type);
  };
  // Three of 4 bits, five of 2 bits: the last byte is part full.
  EXPECT_THAT(elements<std::uint8_t>(tensor_of(tensor(21, 3).integers(5, {0x21, 0x03}))),
              ElementsAre(0x21, 0x03));
  EXPECT_THAT(elements<std::uint8_t>(tensor_of(tensor(26, 5).text(9, "\x1b\x02"))), ElementsAre(0x1b, 0x02));
  // x0 | (x1 & 3) << 6, x1 >> 2 | (x2 & 15) << 4, x2 >> 4 | x3 << 2
  EXPECT_THAT(elements<std::uint8_t>(tensor_of(tensor(27, 4).integers(5, {0x3f, 0x01, 0x2a, 0x15}))),
              ElementsAre(0x7f, 0xa0, 0x56));
  EXPECT_THAT(elements<std::uint8_t>(tensor_of(tensor(28, 2).integers(5, {0x01, 0x3f}))),
              ElementsAre(0xc1, 0x0f));
}

TEST(OnnxTensor, ReadsScalarsAndTensorsWithoutElements) {
  EXPECT_EQ(tensor_of(Message().integer(2, 1).reals(4, {2})).elements(), 1u);
  EXPECT_EQ(tensor_of(Message().integers(1, {3, 0}).integer(2, 1)).elements(), 0u);
  EXPECT_EQ(tensor_of(Message().integers(1, {0}).integer(2, 1).text(9, "")).bytes.size(), 0u);
}

TEST(OnnxTensor, ReadsSequencesAndOptionals) {
  const Message tensor = onnx_float_tensor("t", {2}, {1, 2});
  const Message sequence = Message().text(1, "s").integer(2, 1).message(3, tensor).message(3, tensor);
  const test::TemporaryFile sequence_file(sequence.bytes(), ".pb");
  const Value value = read_sequence_file(MappedFile::open(sequence_file.path()));
  EXPECT_EQ(value.kind, TypeKind::sequence);
  EXPECT_EQ(value.name, "s");
  ASSERT_EQ(value.elements.size(), 2u);
  EXPECT_THAT(elements<float>(value.elements[1].tensor), ElementsAre(1, 2));

  const test::TemporaryFile optional_file(Message().integer(2, 3).message(5, sequence).bytes(), ".pb");
  const Value optional = read_optional_file(MappedFile::open(optional_file.path()));
  EXPECT_EQ(optional.kind, TypeKind::optional);
  ASSERT_EQ(optional.elements.size(), 1u);
  EXPECT_EQ(optional.elements[0].elements.size(), 2u);

  const test::TemporaryFile empty_file(Message().text(1, "o").integer(2, 1).bytes(), ".pb");
  EXPECT_THAT(read_optional_file(MappedFile::open(empty_file.path())).elements, IsEmpty());
}

/// TensorProto of three floats in another file.
Message external(const std::vector<std::pair<std::string, std::string>>& entries) {
  Message tensor = Message().integer(1, 3).integer(2, 1).text(8, "w").integer(14, 1);
  for (const auto& [key, value] : entries) tensor.message(13, Message().text(1, key).text(2, value));
  return tensor;
}

TEST(OnnxTensor, ReadsExternalData) {
  const test::TemporaryFolder folder;
  folder.write("weights/data.bin", std::string(8, 'x') + test::bytes_of<float>({1, 2, 3}));
  for (const auto& entries : {std::vector<std::pair<std::string, std::string>>{
                                  {"location", "weights/data.bin"}, {"offset", "8"}, {"length", "12"}},
                              {{"location", "./weights/./data.bin"}, {"offset", "8"}, {"checksum", "ab"}}}) {
    folder.write("tensor.pb", external(entries).bytes());
    const Tensor tensor = read_tensor_file(MappedFile::open(folder.path_of("tensor.pb")));
    EXPECT_THAT(elements<float>(tensor), ElementsAre(1, 2, 3));
  }
}

TEST(OnnxTensor, ReadsExternalDataBehindFourGigabytes) {
  const test::TemporaryFolder folder;
  const std::uint64_t offset = std::uint64_t{9} << 29;  // 4.5 GiB, a hole
  folder.write("data.bin", "");
  std::filesystem::resize_file(folder.path_of("data.bin"), offset + 12);
  folder.write("tensor.pb", external({{"location", "data.bin"}, {"offset", std::to_string(offset)}}).bytes());
  const Tensor tensor = read_tensor_file(MappedFile::open(folder.path_of("tensor.pb")));
  EXPECT_THAT(elements<float>(tensor), ElementsAre(0, 0, 0));
}

}  // namespace
}  // namespace lathe::onnx
