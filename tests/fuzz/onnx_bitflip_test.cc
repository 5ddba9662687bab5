// Random bit flips, cuts and repeats in an ONNX file with every kind of message: an Error, or a network.
// 2,000 seeds; 100,000 with LATHE_LONG_TESTS=1.
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <string>

#include "fuzz/onnx_fuzzer.h"
#include "support/onnx_builder.h"

namespace lathe {
namespace {

using test::Message;
using test::onnx_node;

std::string whole_file() {
  test::OnnxGraph branch;
  branch.nodes = {onnx_node("F", {"x"}, {"z"}, {test::onnx_integer("axis", 1)}, "inside", "local")};
  branch.outputs = {test::onnx_value("z", {-1, 2})};
  test::OnnxGraph graph;
  graph.inputs = {test::onnx_value("x", {-1, 2})};
  graph.outputs = {test::onnx_value("y", {-1, 2})};
  graph.initializers = {test::onnx_float_tensor("w", {2, 2}, {1, 2, 3, 4}),
                        Message().integer(1, 2).integer(2, 7).text(8, "k").integers(7, {1, -1}),
                        Message().integer(1, 3).integer(2, 21).text(8, "n").integers(5, {0x21, 3}),
                        Message().integer(1, 1).integer(2, 8).text(8, "s").text(6, "text")};
  graph.nodes = {onnx_node("MatMul", {"x", "w"}, {"m"}, {}, "first"),
                 onnx_node("If", {"m"}, {"y"}, {test::onnx_graph_attribute("then_branch", branch.message())}),
                 onnx_node("F", {"m"}, {"u"}, {test::onnx_integer("axis", 2)}, "call", "local"),
                 onnx_node("Op", {"u", "", "k"}, {"v"},
                           {test::onnx_real("alpha", 0.5f), test::onnx_integers("axes", {0, 1}),
                            test::onnx_tensor_attribute("value", test::onnx_float_tensor("", {1}, {1}))})};
  const test::OnnxFunction function{
      "local",
      "F",
      {"a"},
      {"b"},
      {"axis"},
      {test::onnx_integer("keep", 1)},
      {onnx_node("ReduceSum", {"a"}, {"t"},
                 {test::onnx_reference("axis", "axis", 2), test::onnx_reference("keep", "keep", 2)}),
       onnx_node("Relu", {"t"}, {"b"})}};
  return onnx_model(graph.message(), 21, {function.message()}).bytes();
}

std::string broken(const std::string& whole, unsigned seed) {
  std::mt19937 random(seed);
  std::string bytes = whole;
  for (auto changes = 1 + random() % 3; changes > 0; --changes) {
    const std::size_t at = random() % bytes.size();
    const std::size_t length = random() % (bytes.size() - at);
    switch (random() % 8) {
      case 0:
        bytes.erase(at, length % 8);
        break;
      case 1:
        bytes.insert(at, bytes.substr(at, length % 32));
        break;
      case 2:
        bytes[at] = static_cast<char>(random());
        break;
      default:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << (random() % 8)));
    }
    if (bytes.empty()) return bytes;
  }
  return bytes;
}

bool reads(const std::string& bytes) {
  return test::read_onnx_bytes(std::as_bytes(std::span(bytes))).has_value();
}

TEST(OnnxBitflip, RefusesOrReads) {
  const std::string whole = whole_file();
  ASSERT_TRUE(reads(whole));
  const char* long_tests = std::getenv("LATHE_LONG_TESTS");
  const int seeds = long_tests != nullptr && std::string_view(long_tests) == "1" ? 100'000 : 2'000;
  int read = 0;
  for (int seed = 0; seed < seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    read += reads(broken(whole, static_cast<unsigned>(seed))) ? 1 : 0;
  }
  // Flips in numbers and types are harmless, those in names and lengths are not: both must have been met.
  EXPECT_GT(read, seeds / 50);
  EXPECT_LT(read, seeds * 9 / 10);
  RecordProperty("read", read);
}

TEST(OnnxBitflip, RefusesOrReadsEveryBeginning) {
  const std::string whole = whole_file();
  for (std::size_t length = 0; length < whole.size(); ++length) reads(whole.substr(0, length));
}

}  // namespace
}  // namespace lathe
