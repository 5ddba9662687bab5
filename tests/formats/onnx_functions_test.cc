// Functions put in place of their calls.
#include "formats/onnx_functions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lathe/error.h"
#include "onnx_refusal.h"
#include "support/onnx_builder.h"

namespace lathe::onnx {
namespace {

using test::Message;
using test::onnx_model;
using test::onnx_node;
using test::onnx_value;
using test::OnnxFunction;
using test::OnnxGraph;
using testing::ElementsAre;

/// A graph that reads "x" and writes "y".
OnnxGraph graph_of(std::vector<Message> nodes) {
  OnnxGraph graph;
  graph.inputs = {onnx_value("x", {2})};
  graph.outputs = {onnx_value("y", {2})};
  graph.nodes = std::move(nodes);
  return graph;
}

Message call(const char* function, const std::vector<std::string>& inputs,
             const std::vector<std::string>& outputs, const char* name,
             const std::vector<Message>& attributes = {}) {
  return onnx_node(function, inputs, outputs, attributes, name, "local");
}

Model expanded(const OnnxGraph& graph, const std::vector<OnnxFunction>& functions) {
  std::vector<Message> messages;
  for (const OnnxFunction& function : functions) messages.push_back(function.message());
  return expand_functions(test::expect_onnx_read(onnx_model(graph.message(), 21, messages).bytes()));
}

/// "y = Op(a, b); ..." of all nodes.
std::string text_of(const std::vector<Node>& nodes) {
  std::string text;
  for (const Node& node : nodes) {
    text += text.empty() ? "" : "; ";
    for (const std::string& output : node.outputs) text += output + " ";
    text += "= " + node.op_type + "(";
    for (const std::string& input : node.inputs) text += (text.back() == '(' ? "" : ", ") + input;
    text += ")";
  }
  return text;
}

ErrorCode code_of(const OnnxGraph& graph, const std::vector<OnnxFunction>& functions, std::string* what) {
  try {
    expanded(graph, functions);
  } catch (const Error& error) {
    *what = error.what();
    return error.code();
  }
  return ErrorCode::internal;
}

TEST(OnnxFunctions, NamesEachCallsValuesApart) {
  const OnnxFunction twice{"local",
                           "Twice",
                           {"a"},
                           {"b"},
                           {},
                           {},
                           {onnx_node("Relu", {"a"}, {"t"}), onnx_node("Add", {"t", "t"}, {"b"})}};
  const Model model =
      expanded(graph_of({call("Twice", {"x"}, {"m"}, "n1"), call("Twice", {"m"}, {"y"}, "n2")}), {twice});
  EXPECT_EQ(text_of(model.graph.nodes),
            "n1/t = Relu(x); m = Add(n1/t, n1/t); n2/t = Relu(m); y = Add(n2/t, n2/t)");
  EXPECT_TRUE(model.functions.empty());
}

TEST(OnnxFunctions, KeepsNamesUniqueWhereCallsShareOne) {
  const OnnxFunction function{
      "local", "F", {"a"}, {"b"}, {}, {}, {onnx_node("Relu", {"a"}, {"t"}), onnx_node("Neg", {"t"}, {"b"})}};
  const Model model = expanded(graph_of({onnx_node("Abs", {"x"}, {"n/t"}), call("F", {"x"}, {"m"}, "n"),
                                         call("F", {"m"}, {"y"}, "n")}),
                               {function});
  EXPECT_EQ(text_of(model.graph.nodes),
            "n/t = Abs(x); n/t.2 = Relu(x); m = Neg(n/t.2); n/t.3 = Relu(m); y = Neg(n/t.3)");
}

TEST(OnnxFunctions, GivesAttributesOfTheCallOrTheDefault) {
  const OnnxFunction function{
      "local",
      "F",
      {"a"},
      {"b"},
      {"given", "left_out"},
      {test::onnx_integer("standard", 5)},
      {onnx_node("Op", {"a"}, {"b"},
                 {test::onnx_reference("p", "given", 2), test::onnx_reference("q", "left_out", 2),
                  test::onnx_reference("r", "standard", 2), test::onnx_integer("s", 9)})}};
  const Model model =
      expanded(graph_of({call("F", {"x"}, {"y"}, "n", {test::onnx_integer("given", 7)})}), {function});
  const Node& node = model.graph.nodes.at(0);
  EXPECT_THAT(node.find("p")->integers, ElementsAre(7));
  EXPECT_EQ(node.find("q"), nullptr);
  EXPECT_THAT(node.find("r")->integers, ElementsAre(5));
  EXPECT_THAT(node.find("s")->integers, ElementsAre(9));
  EXPECT_EQ(node.find("p")->ref_attr_name, "");
  const Model other =
      expanded(graph_of({call("F", {"x"}, {"y"}, "n", {test::onnx_integer("standard", 6)})}), {function});
  EXPECT_THAT(other.graph.nodes.at(0).find("r")->integers, ElementsAre(6));
}

TEST(OnnxFunctions, ExpandsFunctionsInFunctionsAndHandsAttributesOn) {
  const OnnxFunction inner{"local",
                           "Inner",
                           {"a"},
                           {"b"},
                           {"k"},
                           {},
                           {onnx_node("Op", {"a"}, {"b"}, {test::onnx_reference("axis", "k", 2)})}};
  const OnnxFunction outer{"local",
                           "Outer",
                           {"a"},
                           {"b"},
                           {"j"},
                           {},
                           {call("Inner", {"a"}, {"t"}, "one", {test::onnx_reference("k", "j", 2)}),
                            call("Inner", {"t"}, {"b"}, "two", {test::onnx_integer("k", 4)})}};
  const Model model =
      expanded(graph_of({call("Outer", {"x"}, {"y"}, "n", {test::onnx_integer("j", 3)})}), {inner, outer});
  EXPECT_EQ(text_of(model.graph.nodes), "n/t = Op(x); y = Op(n/t)");
  EXPECT_THAT(model.graph.nodes.at(0).find("axis")->integers, ElementsAre(3));
  EXPECT_THAT(model.graph.nodes.at(1).find("axis")->integers, ElementsAre(4));
}

TEST(OnnxFunctions, ExpandsSubgraphs) {
  OnnxGraph branch;  // reads the function's input from outside
  branch.nodes = {onnx_node("Neg", {"a"}, {"t"}), call("F", {"t"}, {"u"}, "inside")};
  branch.outputs = {onnx_value("u", {2})};
  const OnnxFunction simple{
      "local", "F", {"a"}, {"b"}, {}, {}, {onnx_node("Relu", {"a"}, {"r"}), onnx_node("Abs", {"r"}, {"b"})}};
  const OnnxFunction choice{
      "local",
      "Choice",
      {"a"},
      {"b"},
      {},
      {},
      {onnx_node("If", {"a"}, {"b"}, {test::onnx_graph_attribute("then_branch", branch.message())})}};
  const Model model = expanded(graph_of({call("Choice", {"x"}, {"y"}, "n")}), {simple, choice});
  ASSERT_EQ(text_of(model.graph.nodes), "y = If(x)");
  const Graph& graph = model.graph.nodes.at(0).find("then_branch")->graphs.at(0);
  EXPECT_EQ(text_of(graph.nodes), "n/t = Neg(x); n/inside/r = Relu(n/t); n/u = Abs(n/inside/r)");
  EXPECT_EQ(graph.outputs.at(0).name, "n/u");
}

TEST(OnnxFunctions, PassesInputsOnThatAreOutputs) {
  const OnnxFunction function{
      "local", "F", {"a", "c"}, {"a", "b", "b"}, {}, {}, {onnx_node("Relu", {"a"}, {"b"})}};
  const Model model = expanded(graph_of({call("F", {"x"}, {"p", "q", "y"}, "n")}), {function});
  EXPECT_EQ(text_of(model.graph.nodes), "q = Relu(x); p = Identity(x); y = Identity(q)");
}

TEST(OnnxFunctions, LeavesOutWhatTheCallLeavesOut) {
  const OnnxFunction function{"local",
                              "F",
                              {"a", "c"},
                              {"b", "d"},
                              {},
                              {},
                              {onnx_node("Clip", {"a", "c"}, {"b"}), onnx_node("Neg", {"a"}, {"d"})}};
  const Model model = expanded(graph_of({call("F", {"x"}, {"y"}, "n")}), {function});
  EXPECT_EQ(text_of(model.graph.nodes), "y = Clip(x, ); n/d = Neg(x)");
}

TEST(OnnxFunctions, KeepsTheOpsetOfTheFunction) {
  OnnxFunction function{"local", "F", {"a"}, {"b"}, {}, {}, {onnx_node("Relu", {"a"}, {"b"})}};
  function.opset = 13;
  const Model model =
      expanded(graph_of({call("F", {"x"}, {"m"}, "n"), onnx_node("Relu", {"m"}, {"y"})}), {function});
  EXPECT_EQ(model.graph.nodes.at(0).opset, 13);
  EXPECT_EQ(model.graph.nodes.at(1).opset, 21);
}

TEST(OnnxFunctions, RefusesCallsThatDoNotFit) {
  const OnnxFunction function{"local",
                              "F",
                              {"a"},
                              {"b"},
                              {"k"},
                              {},
                              {onnx_node("Op", {"a"}, {"b"}, {test::onnx_reference("axis", "k", 2)})}};
  const auto refuse = [&](const Message& node, const char* message) {
    std::string what;
    EXPECT_EQ(code_of(graph_of({node}), {function}, &what), ErrorCode::invalid_file);
    EXPECT_THAT(what, testing::HasSubstr(message));
    EXPECT_THAT(what, testing::HasSubstr("n"));
  };
  refuse(call("F", {"x", "x"}, {"y"}, "n"), "with 2 inputs, and it has 1");
  refuse(call("F", {"x"}, {"y", "z"}, "n"), "with 2 outputs, and it has 1");
  refuse(call("F", {"x"}, {"y"}, "n", {test::onnx_integer("other", 1)}), "the attribute other");
  refuse(call("F", {"x"}, {"y"}, "n", {test::onnx_real("k", 1)}), "another kind");
}

TEST(OnnxFunctions, RefusesAnExpansionThatGrowsWithoutBound) {
  std::vector<OnnxFunction> functions;
  for (int i = 0; i < 40; ++i) {
    const std::string next = "F" + std::to_string(i + 1);
    functions.push_back({"local",
                         "F" + std::to_string(i),
                         {"a"},
                         {"b"},
                         {},
                         {},
                         {call(next.c_str(), {"a"}, {"t"}, "l"), call(next.c_str(), {"t"}, {"b"}, "r")}});
  }
  functions.push_back({"local", "F40", {"a"}, {"b"}, {}, {}, {onnx_node("Relu", {"a"}, {"b"})}});
  std::string what;
  EXPECT_EQ(code_of(graph_of({call("F0", {"x"}, {"y"}, "n")}), functions, &what), ErrorCode::resource_limit);
  EXPECT_THAT(what, testing::HasSubstr("131072 nodes"));
}

TEST(OnnxFunctions, RefusesAnExpansionOfTooManyBytes) {
  const Message big = test::onnx_integers("k", std::vector<std::int64_t>(1 << 17, 1));  // 1 MiB in memory
  OnnxFunction function{"local", "F", {"a"}, {"b"}, {}, {}, {onnx_node("Op", {"a"}, {"b"}, {big})}};
  OnnxFunction caller{"local", "G", {"a"}, {"b"}, {}, {}, {}};
  for (int i = 0; i < 1000; ++i)
    caller.nodes.push_back(call("F", {"a"}, {i == 0 ? "b" : "t" + std::to_string(i)}, "c"));
  std::string what;
  EXPECT_EQ(code_of(graph_of({call("G", {"x"}, {"y"}, "n")}), {function, caller}, &what),
            ErrorCode::resource_limit);
}

TEST(OnnxFunctions, RefusesCallsTooDeep) {
  std::vector<OnnxFunction> functions;
  for (int i = 0; i < 100; ++i)
    functions.push_back({"local",
                         "F" + std::to_string(i),
                         {"a"},
                         {"b"},
                         {},
                         {},
                         {call(("F" + std::to_string(i + 1)).c_str(), {"a"}, {"b"}, "c")}});
  functions.push_back({"local", "F100", {"a"}, {"b"}, {}, {}, {onnx_node("Relu", {"a"}, {"b"})}});
  std::string what;
  EXPECT_EQ(code_of(graph_of({call("F0", {"x"}, {"y"}, "n")}), functions, &what), ErrorCode::resource_limit);
  EXPECT_THAT(what, testing::HasSubstr("more than 64 deep"));
}

}  // namespace
}  // namespace lathe::onnx
