// FAULTS rows 63 to 71 and 73, as far as reading meets them: files that are no network, networks that
// contradict themselves, and external data that leads elsewhere.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "formats/onnx_model.h"
#include "onnx_refusal.h"
#include "support/onnx_builder.h"
#include "support/temporary_file.h"
#include "support/temporary_folder.h"

namespace lathe::test {
namespace {

OnnxGraph small_graph() {
  OnnxGraph graph;
  graph.inputs = {onnx_value("x", {2})};
  graph.outputs = {onnx_value("y", {2})};
  graph.nodes = {onnx_node("Relu", {"x"}, {"y"}, {}, "first")};
  return graph;
}

void expect_graph_refused(const OnnxGraph& graph, std::string_view message, std::string_view field = {},
                          ErrorCode code = ErrorCode::invalid_file) {
  expect_onnx_refused(onnx_model(graph.message()).bytes(), message, field, code);
}

/// A model whose initializer is `tensor`.
void expect_tensor_refused(const Message& tensor, std::string_view message) {
  OnnxGraph graph = small_graph();
  graph.initializers = {tensor};
  expect_graph_refused(graph, message);
}

TEST(OnnxFault, Reads) { expect_onnx_read(onnx_model(small_graph().message()).bytes()); }

TEST(OnnxFault, RefusesEmptyAndCutFiles) {
  const std::string whole = onnx_model(small_graph().message()).bytes();
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const TemporaryFile file(std::string_view(whole).substr(0, length), ".onnx");
    EXPECT_THROW(onnx::read_onnx(file.path()), Error) << length;
  }
  expect_onnx_refused("", "has no graph");
  expect_onnx_refused("GGUF\x03", "");
}

TEST(OnnxFault, RefusesUnknownVersions) {
  const Message graph = small_graph().message();
  for (const int version : {0, 1, 2, 15, 1000})
    expect_onnx_refused(onnx_model(graph, 21, {}, version).bytes(), "3 to 14", "ir_version",
                        ErrorCode::unsupported);
  for (const int version : {3, 14}) expect_onnx_read(onnx_model(graph, 21, {}, version).bytes());
  expect_onnx_refused(onnx_model(graph, 29).bytes(), "1 to 28", "opset_import", ErrorCode::unsupported);
  expect_onnx_refused(onnx_model(graph, 0).bytes(), "version 0 of the domain ''");
  expect_onnx_refused(onnx_model(graph, -1).bytes(), "version -1");
  for (const int opset : {1, 28}) expect_onnx_read(onnx_model(graph, opset).bytes());
  expect_onnx_refused(Message().integer(1, 8).message(7, graph).bytes(), "no opset");
  Message twice = onnx_model(graph);
  expect_onnx_refused(twice.message(8, Message().integer(2, 20)).bytes(), "two versions");
}

TEST(OnnxFault, RefusesDomainsThatAreNotImported) {
  OnnxGraph graph = small_graph();
  graph.nodes = {onnx_node("Relu", {"x"}, {"y"}, {}, "first", "com.elsewhere")};
  expect_graph_refused(graph, "com.elsewhere", "first");
}

TEST(OnnxFault, RefusesNodesWithoutOrder) {
  OnnxGraph graph = small_graph();
  graph.nodes = {onnx_node("Add", {"x", "b"}, {"y"}, {}, "first"),
                 onnx_node("Add", {"x", "y"}, {"b"}, {}, "second")};
  expect_graph_refused(graph, "reads b, which no node before it writes", "first");
  graph.nodes = {onnx_node("Relu", {"y"}, {"y"}, {}, "self")};
  expect_graph_refused(graph, "cycle", "self");
  graph.nodes = {onnx_node("Add", {"x", "nowhere"}, {"y"}, {}, "first")};
  expect_graph_refused(graph, "reads nowhere, which nothing writes", "first");
}

TEST(OnnxFault, RefusesNamesThatOccurTwice) {
  OnnxGraph graph = small_graph();
  graph.nodes.push_back(onnx_node("Relu", {"x"}, {"y"}, {}, "second"));
  expect_graph_refused(graph, "writes y, which is there already", "second");
  graph = small_graph();
  graph.nodes[0] = onnx_node("Split", {"x"}, {"y", "y"}, {}, "first");
  expect_graph_refused(graph, "writes y, which is there already", "first");
  graph.nodes[0] = onnx_node("Relu", {"x"}, {"x"}, {}, "first");
  expect_graph_refused(graph, "writes x, which is there already", "first");
  graph = small_graph();
  graph.inputs.push_back(onnx_value("x", {2}));
  expect_graph_refused(graph, "the input x occurs twice", "x");
  graph = small_graph();
  graph.initializers = {onnx_float_tensor("w", {1}, {1}), onnx_float_tensor("w", {1}, {1})};
  expect_graph_refused(graph, "the initializer w occurs twice", "w");
  graph = small_graph();
  graph.outputs.push_back(graph.outputs[0]);
  expect_graph_refused(graph, "the output y occurs twice", "y");
}

TEST(OnnxFault, RefusesWhatIsMissing) {
  OnnxGraph graph = small_graph();
  graph.outputs = {onnx_value("z", {2})};
  expect_graph_refused(graph, "nothing writes the graph's output z", "z");
  graph.outputs = {onnx_value("", {2})};
  expect_graph_refused(graph, "has no name");
  graph = small_graph();
  graph.inputs = {Message().text(1, "x")};
  expect_graph_refused(graph, "the input x has no type", "x");
  graph = small_graph();
  graph.nodes[0] = Message().text(1, "x").text(2, "y");
  expect_graph_refused(graph, "no op_type");
  graph = small_graph();
  graph.initializers = {onnx_float_tensor("", {1}, {1})};
  expect_graph_refused(graph, "has no name");
}

TEST(OnnxFault, RefusesAttributesThatContradictThemselves) {
  const auto refuse = [](const Message& attribute, std::string_view message) {
    OnnxGraph graph = small_graph();
    graph.nodes[0] = onnx_node("Relu", {"x"}, {"y"}, {attribute}, "first");
    expect_graph_refused(graph, message);
  };
  refuse(Message().integer(3, 1).integer(20, 2), "no name");
  refuse(Message().text(1, "a").integer(3, 1), "type 0 is not known");
  refuse(Message().text(1, "a").integer(3, 1).integer(20, 15), "type 15 is not known");
  refuse(Message().text(1, "a").integer(3, 1).integer(20, 1), "another kind than its type");
  refuse(Message().text(1, "a").integer(3, 1).real(2, 1).integer(20, 1), "two kinds");
  refuse(Message().text(1, "a").integer(20, 4), "has no value");
  refuse(onnx_reference("a", "b", 2), "refers to an attribute of a function");
  OnnxGraph graph = small_graph();
  graph.nodes[0] = onnx_node("Relu", {"x"}, {"y"}, {onnx_integer("a", 1), onnx_integer("a", 1)}, "first");
  expect_graph_refused(graph, "occurs twice", "first");
}

TEST(OnnxFault, RefusesGraphsNestedTooDeep) {
  for (const int depth : {33, 100, 3000}) {
    OnnxGraph graph = small_graph();
    Message inner = OnnxGraph{{}, {}, {}, {onnx_value("x", {2})}}.message();
    for (int i = 2; i < depth; ++i)
      inner = OnnxGraph{{onnx_node("If", {"x"}, {"z"}, {onnx_graph_attribute("then_branch", inner)})},
                        {},
                        {},
                        {onnx_value("z", {2})}}
                  .message();
    graph.nodes = {onnx_node("If", {"x"}, {"y"}, {onnx_graph_attribute("then_branch", inner)})};
    expect_graph_refused(graph, "deep");
  }
  Message type = Message().message(1, Message().integer(1, 1));
  for (int i = 0; i < 33; ++i) type = Message().message(4, Message().message(1, type));
  OnnxGraph graph = small_graph();
  graph.inputs.push_back(Message().text(1, "deep").message(2, type));
  expect_graph_refused(graph, "deep");
}

TEST(OnnxFault, RefusesTooManyNodesBeforeTheyCostMemory) {
  std::string nodes;
  const std::string node = Message().message(1, onnx_node("Identity", {"x"}, {"y"})).bytes();
  for (int i = 0; i < 1'000'000; ++i) nodes += node;
  expect_onnx_refused(onnx_model(Message().raw(nodes)).bytes(), "more than 131072 nodes", {},
                      ErrorCode::resource_limit);
}

TEST(OnnxFault, ReadsTensOfThousandsOfNodes) {
  OnnxGraph graph = small_graph();
  graph.nodes = {onnx_node("Identity", {"x"}, {"n0"})};
  for (int i = 1; i < 50'000; ++i)
    graph.nodes.push_back(onnx_node("Identity", {"n" + std::to_string(i - 1)}, {"n" + std::to_string(i)}));
  graph.outputs = {onnx_value("n49999", {2})};
  EXPECT_EQ(expect_onnx_read(onnx_model(graph.message()).bytes()).graph.nodes.size(), 50'000u);
}

TEST(OnnxFault, RefusesDimensionsThatCannotBe) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  const auto refuse_value = [](const std::vector<std::int64_t>& dims, std::string_view message) {
    Message shape;
    for (const std::int64_t dim : dims) shape.message(1, Message().integer(1, dim));
    OnnxGraph graph = small_graph();
    graph.inputs[0] =
        Message().text(1, "x").message(2, Message().message(1, Message().integer(1, 1).message(2, shape)));
    expect_graph_refused(graph, message);
  };
  refuse_value({-2}, "dimension -2 is negative");
  refuse_value({kMost}, "2^63 - 1 bits");
  refuse_value({std::int64_t{1} << 40, std::int64_t{1} << 40}, "2^64 elements");
  refuse_value(std::vector<std::int64_t>(300, 1), "300 dimensions");
  expect_tensor_refused(onnx_tensor("w", 1, {-4}, "abcd"), "dimension -4 is negative");
  expect_tensor_refused(onnx_tensor("w", 1, {kMost}, "abcd"), "2^63 - 1 bits");
  expect_tensor_refused(onnx_tensor("w", 1, {std::int64_t{1} << 32, std::int64_t{1} << 32, 0}, ""),
                        "2^64 elements");
  expect_tensor_refused(onnx_tensor("w", 1, std::vector<std::int64_t>(300, 1), "abcd"), "300 dimensions");
}

TEST(OnnxFault, RefusesTensorsWhoseDataContradictsThem) {
  const auto tensor = [](int type, std::int64_t count) {
    return Message().integer(1, count).integer(2, type).text(8, "w");
  };
  expect_tensor_refused(tensor(0, 1).text(9, "abcd"), "no data type");
  expect_tensor_refused(tensor(99, 1).text(9, "abcd"), "data type 99 is not known");
  expect_tensor_refused(tensor(-1, 1).text(9, "abcd"), "data type -1 is not known");
  expect_tensor_refused(tensor(1, 1).text(9, "abcd").reals(4, {1}), "raw_data and elsewhere");
  expect_tensor_refused(tensor(1, 1).text(9, "abcde"), "5 bytes of data, and its shape and type 4 bytes");
  expect_tensor_refused(tensor(1, 2).text(9, "abcd"), "4 bytes of data, and its shape and type 8 bytes");
  expect_tensor_refused(tensor(1, 1 << 30).text(9, "abcd"), "4 bytes of data");
  expect_tensor_refused(tensor(1, 1), "0 numbers or texts, and its shape 1");
  expect_tensor_refused(tensor(1, 1 << 30).reals(4, {1}), "1 numbers or texts");
  expect_tensor_refused(tensor(1, 1).integers(5, {1}), "field for another type");
  expect_tensor_refused(tensor(7, 1).integers(7, {1}).integers(5, {1}), "two places");
  expect_tensor_refused(tensor(3, 1).integers(5, {128}), "128 does not fit INT8");
  expect_tensor_refused(tensor(2, 1).integers(5, {-1}), "-1 does not fit UINT8");
  expect_tensor_refused(tensor(9, 1).integers(5, {2}), "2 does not fit BOOL");
  expect_tensor_refused(tensor(27, 1).integers(5, {64}), "64 does not fit FLOAT6E2M3");
  expect_tensor_refused(tensor(8, 1).text(9, "abcd"), "texts cannot stand in raw_data");
  expect_tensor_refused(tensor(8, 2).text(6, "a"), "1 numbers or texts, and its shape 2");
  expect_tensor_refused(tensor(8, std::int64_t{1} << 40).text(6, "a"), "1 numbers or texts, and its shape");
  expect_tensor_refused(tensor(8, 1).text(6, "a").integers(7, {1}), "two places");
  expect_tensor_refused(tensor(8, 2).text(6, "a").text(6, "\xe2\x82"), "text 1 of the tensor is not UTF-8");
  expect_tensor_refused(tensor(1, 1).text(9, "abcd").message(3, Message().integer(1, 0)), "segments");
}

TEST(OnnxFault, RefusesFunctionsThatCallThemselves) {
  const auto function = [](const char* name, const char* called) {
    return OnnxFunction{
        "local", name, {"a"}, {"b"}, {}, {}, {onnx_node(called, {"a"}, {"b"}, {}, {}, "local")}}
        .message();
  };
  const Message graph = small_graph().message();
  expect_onnx_refused(onnx_model(graph, 21, {function("F", "F")}).bytes(), "F calls itself", "F");
  expect_onnx_refused(onnx_model(graph, 21, {function("F", "G"), function("G", "F")}).bytes(),
                      "calls itself");
  expect_onnx_refused(onnx_model(graph, 21, {function("F", "Relu"), function("F", "Relu")}).bytes(),
                      "the function F occurs twice", "F");
}

/// A file with a tensor of two floats in `location`, in its own folder.
class OnnxExternalFault : public testing::Test {
 protected:
  OnnxExternalFault() { folder_.write("good.bin", std::string(16, '\0')); }

  std::string error(const std::vector<std::pair<std::string, std::string>>& entries) const {
    Message tensor = Message().integer(1, 2).integer(2, 1).text(8, "w").integer(14, 1);
    for (const auto& [key, value] : entries) tensor.message(13, Message().text(1, key).text(2, value));
    OnnxGraph graph = small_graph();
    graph.initializers = {tensor};
    folder_.write("model.onnx", onnx_model(graph.message()).bytes());
    try {
      onnx::read_onnx(folder_.path_of("model.onnx"));
      return {};
    } catch (const Error& error) {
      EXPECT_EQ(error.place().file, folder_.path_of("model.onnx"));
      EXPECT_EQ(error.place().field, "w");
      EXPECT_TRUE(error.place().offset);
      return error.what();
    }
  }
  std::string location_error(const std::string& location) const { return error({{"location", location}}); }

  TemporaryFolder folder_;
};

TEST_F(OnnxExternalFault, RefusesLocationsOutsideTheFolder) {
  EXPECT_EQ(location_error("good.bin"), "");
  const TemporaryFolder outside;
  outside.write("good.bin", std::string(16, '\0'));
  std::filesystem::create_directory(folder_.path_of("a"));
  for (const std::string& location :
       {std::string("../../etc/passwd"), std::string("a/../../b"), std::string("a/../good.bin"),
        std::string("/etc/passwd"), outside.path_of("good.bin"), std::string("C:\\data"),
        std::string("\\\\host\\share"), std::string("good.bin\0x", 10), std::string("a/"), std::string("."),
        std::string("a//good.bin"), std::string(".."), std::string("*/_ORT_MEM_ADDR_/*")})
    EXPECT_NE(location_error(location), "") << location;
  EXPECT_THAT(location_error(""), testing::HasSubstr("location"));
  EXPECT_THAT(error({}), testing::HasSubstr("no location"));
  EXPECT_THAT(location_error("missing.bin"), testing::HasSubstr("cannot be opened"));
}

TEST_F(OnnxExternalFault, RefusesLinksAndWhatIsNoFile) {
  const TemporaryFolder outside;
  outside.write("data.bin", std::string(16, '\0'));
  std::filesystem::create_symlink(outside.path_of("data.bin"), folder_.path_of("link.bin"));
  EXPECT_THAT(location_error("link.bin"), testing::HasSubstr("symbolic link"));
  std::filesystem::create_directory_symlink(outside.path(), folder_.path_of("linked"));
  EXPECT_NE(location_error("linked/data.bin"), "");
  std::filesystem::create_hard_link(outside.path_of("data.bin"), folder_.path_of("hard.bin"));
  EXPECT_THAT(location_error("hard.bin"), testing::HasSubstr("hard link"));
  ASSERT_EQ(::mkfifo(folder_.path_of("fifo").c_str(), 0600), 0);
  EXPECT_THAT(location_error("fifo"), testing::HasSubstr("not a regular file"));
  std::filesystem::create_directory(folder_.path_of("folder"));
  EXPECT_NE(location_error("folder"), "");
}

TEST_F(OnnxExternalFault, RefusesRangesOutsideTheFile) {
  const auto range = [&](const char* offset, const char* length) {
    return error({{"location", "good.bin"}, {"offset", offset}, {"length", length}});
  };
  EXPECT_EQ(range("8", "8"), "");
  EXPECT_THAT(range("12", "8"), testing::HasSubstr("begins at byte 12 and has 8 bytes, and good.bin has 16"));
  EXPECT_NE(range("16", "8"), "");
  EXPECT_NE(range("18446744073709551608", "8"), "");
  EXPECT_THAT(range("0", "12"), testing::HasSubstr("has 12 bytes, and its shape and type 8"));
  EXPECT_NE(range("8", "18446744073709551615"), "");
  EXPECT_THAT(range("2", "8"), testing::HasSubstr("inside an element of 4 bytes"));
  for (const char* number : {"-1", "", "1x", "0x8", "18446744073709551616", " 8"})
    EXPECT_THAT(range(number, "8"), testing::HasSubstr("is no number")) << number;
  EXPECT_THAT(error({{"location", "good.bin"}, {"location", "good.bin"}}),
              testing::HasSubstr("two locations"));
}

}  // namespace
}  // namespace lathe::test
