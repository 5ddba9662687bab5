// print() and parse_graph(): one is the other's inverse, and whatever is no graph is an Error with its place.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <limits>

#include "base/error.h"
#include "graph/graph.h"

namespace lathe {
namespace {

constexpr std::string_view kLlama = R"(graph llama {
  %ids: i32[T] = input
  %cache: f16[30, P, 2, 3, 4096] = state
  %token_embd.weight: q8_0[49152, 576] = constant
  %norm.weight: f32[576] = constant
  %x: f32[T, 576] = Gather(%token_embd.weight, %ids)
  %n: f32[T, 576] = RMSNormalization @output_norm(%x, %norm.weight) {epsilon = 1e-05}
  %l: f32[T, 49152] = Linear(%n, %token_embd.weight)
  %top.0: f32[T, 128], %top.1: i32[T, 128] = TopK(%l) {k = 128}
  %values: f32[T, 8], %indices: i32[T, 8] = TopK(%l) {k = 8}
  %0: i32[T] = ArgMax @""(%l)
  return logits = %l, arg_max = %0, "two words" = %top.1
}
)";

TEST(TextForm, PrintsWhatItReads) {
  const Graph graph = parse_graph(kLlama);
  verify(graph, "test");
  EXPECT_EQ(print(graph), kLlama);
  EXPECT_EQ(graph.nodes[1].name, "output_norm");
  EXPECT_EQ(graph.nodes[3].name, "top");
  EXPECT_EQ(graph.nodes[4].name, "values");
  EXPECT_EQ(graph.nodes[5].name, "");
}

TEST(TextForm, ReadsFreely) {
  const Graph graph = parse_graph(
      "# a comment\ngraph\"a\\x22b\"{%x:f32[\"batch size\",4]=input # another\n%y:f32[\"batch "
      "size\",4]=Swish(%x)\n"
      "%s : f32 [ ] = input %n:f32[4]=input %z:f32[\"batch size\",4]=RMSNormalization(%y,%n)return "
      "y=%z}#end");
  EXPECT_EQ(graph.name, "a\"b");
  EXPECT_EQ(print(graph), R"(graph "a\x22b" {
  %x: f32["batch size", 4] = input
  %s: f32[] = input
  %n: f32[4] = input
  %y: f32["batch size", 4] = Swish(%x)
  %z: f32["batch size", 4] = RMSNormalization(%y, %n) {epsilon = 1e-05}
  return y = %z
}
)");
}

TEST(TextForm, PrintsRealsShortestAndExactly) {
  for (const double magnitude :
       {10000.0, 1e6, 0.1, 1.0 / 3, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308}) {
    Graph graph;
    const auto p = graph.add_input("p", {Dtype::i32, {"T"}});
    const auto f = graph.add_input("f", {Dtype::f64, {4}});
    graph.add("RotaryTable", "t", {p, f}, {{"magnitude", magnitude}});
    const auto text = print(graph);
    EXPECT_EQ(parse_graph(text).nodes[0].real("magnitude"), magnitude) << text;
  }
  Graph graph;
  const auto p = graph.add_input("p", {Dtype::i32, {"T"}});
  const auto f = graph.add_input("f", {Dtype::f64, {4}});
  graph.add("RotaryTable", "t", {p, f}, {{"magnitude", 0.1}});
  EXPECT_THAT(print(graph), testing::HasSubstr("{magnitude = 0.1}"));
}

TEST(TextForm, AsksForTheBytesOfConstants) {
  static const std::array<float, 4> kBytes = {1, 2, 3, 4};
  constexpr std::string_view kText = "graph g {\n  %w: f32[4] = constant\n}\n";
  const auto owner = std::make_shared<const int>(1);
  const Graph graph = parse_graph(kText, [&](const std::string& name, const ValueType& type) {
    EXPECT_EQ(name, "w");
    EXPECT_EQ(to_string(type), "f32[4]");
    return std::pair{TensorView{reinterpret_cast<const std::byte*>(kBytes.data()), Dtype::f32, {4}},
                     std::shared_ptr<const void>(owner)};
  });
  EXPECT_EQ(graph.values[0].data.data, reinterpret_cast<const std::byte*>(kBytes.data()));
  EXPECT_EQ(graph.values[0].data_owner, owner);
  EXPECT_THROW(
      parse_graph(kText,
                  [&](const std::string&, const ValueType&) {
                    return std::pair{TensorView{nullptr, Dtype::f32, {5}}, std::shared_ptr<const void>()};
                  }),
      Error);
}

TEST(TextForm, GivesConstantsAnotherNameInTheGraph) {
  const Graph graph = parse_graph(
      "graph g { %x: f32[4] = input %w: f32[4] = constant \"blk.0.scale\" "
      "%y: f32[4] = Mul(%x, %w) return y = %y }");
  EXPECT_EQ(print(graph), R"(graph g {
  %x: f32[4] = input
  %blk.0.scale: f32[4] = constant
  %y: f32[4] = Mul(%x, %blk.0.scale)
  return y = %y
}
)");
}

struct Bad {
  std::string_view text;
  std::string message;  // part of it
};

TEST(TextForm, RefusesWithLineAndColumn) {
  const std::vector<Bad> rows = {
      {"", "line 1, column 1: expected \"graph\""},
      {"grph g {}", "line 1, column 1: expected \"graph\""},
      {"graph {}", "line 1, column 7: expected the graph's name"},
      {"graph g", "line 1, column 8: expected '{', found the text's end"},
      {"graph g {", "column 10"},
      {"graph g {} x", "line 1, column 12: text behind"},
      {"graph \"g", "does not end"},
      {"graph \"g\\q\" {}", "hexadecimal"},
      {"graph \"\\x4", "hexadecimal"},
      {"graph g {\n  x: f32[] = input\n}", "line 2, column 3: expected \"return\""},
      {"graph g {\n  %x f32[] = input\n}", "line 2, column 6: expected ':'"},
      {"graph g {\n  %x: f33[] = input\n}", "line 2, column 7: there is no element type"},
      {"graph g {\n  %x: f32[T = input\n}", "line 2, column 13: expected ','"},
      {"graph g {\n  %x: f32[4 4] = input\n}", "expected ','"},
      {"graph g {\n  %x: f32[4,] = input\n}", "expected a dimension"},
      {"graph g {\n  %x: f32[-4] = input\n}", "dimension -4"},
      {"graph g {\n  %x: f32[99999999999999999999] = input\n}", "does not fit"},
      {"graph g {\n  %x: f32[4x] = input\n}", "expected a dimension"},
      {"graph g {\n  %x: f32[\"\"] = input\n}", "a symbol needs a name"},
      {"graph g {\n  %x: f32[1,1,1,1,1,1,1,1,1] = input\n}", "more than 8 dimensions"},
      {"graph g {\n  %x: q8_0[4, 33] = input\n}", "multiple of 32"},
      {"graph g {\n  %\"\": f32[] = input\n}", "line 2, column 3: a value needs a name"},
      {"graph g {\n  %x: f32[] = input\n  %x: f32[] = input\n}",
       "line 3, column 3: there is already a value x"},
      {"graph g {\n  %x: f32[], %y: f32[] = input\n}", "line 2, column 26: defines one value, not 2"},
      {"graph g {\n  %x: f32[T] = constant\n}", "line 2, column 16: a constant's dimensions are numbers"},
      {"graph g {\n  %x: f32[] = input\n %w: f32[] = constant \"x\"\n}", "already a value x"},
      {"graph g {\n  %w: f32[] = constant \"x\"\n  %x: f32[] = input\n}", "already a value x"},
      {"graph g {\n  %w: f32[] = constant \"\"\n}", "a constant needs a name"},
      {"graph g {\n  %x: f32[] = Frobnicate()\n}", "line 2, column 15: there is no op Frobnicate"},
      {"graph g {\n  %x: f32[] = Swish(%y)\n}", "line 2, column 21: there is no value of this name"},
      {"graph g {\n  %x: f32[] = Swish(%x)\n}", "there is no value of this name before here"},
      {"graph g {\n  %x: f32[] = input\n  %y: f32[] = Swish(%x, %x)\n}",
       "line 3, column 15: Swish takes 1 inputs"},
      {"graph g {\n  %x: i32[] = input\n  %y: f32[] = Swish(%x)\n}",
       "line 3, column 15: Swish y: input 0 (x)"},
      {"graph g {\n  %x: f32[] = input\n  %y: f32[1] = Swish(%x)\n}",
       "line 3, column 3: is written as f32[1], and its op gives f32[]"},
      {"graph g {\n  %x: f32[] = input\n  %y: f32[], %z: f32[] = Swish(%x)\n}", "Swish has 1 outputs, not 2"},
      {"graph g {\n  %x: f32[] = input\n  %y: f32[] = Swish(%x) {beta = 1}\n}",
       "line 3, column 26: Swish has no attribute beta"},
      {"graph g {\n  %x: f32[1,4] = input\n  %a: f32[1,1], %b: i32[1,1] = TopK(%x) {k = 1, k = 1}\n}",
       "TopK has two attributes k"},
      {"graph g {\n  %x: f32[1,4] = input\n  %a: f32[1,1], %b: i32[1,1] = TopK(%x) {k = 1.5}\n}",
       "expected an integer"},
      {"graph g {\n  %x: f32[1,4] = input\n  %a: f32[1,1], %b: i32[1,1] = TopK(%x) {k = x}\n}",
       "line 3, column 46: expected an integer"},
      {"graph g {\n  %x: f32[1,4] = input\n  %a: f32[1,1], %b: i32[1,1] = TopK(%x)\n}", "needs attribute k"},
      {"graph g {\n  %x: f32[2] = input\n  %a: f32[2] = LayerNormalization(%x, %x) {epsilon = inf}\n}",
       "finite"},
      {"graph g {\n  %x: f32[2] = input\n  %a: f32[2] = LayerNormalization(%x, %x) {epsilon = 1e999}\n}",
       "does not fit"},
      {"graph g {\n  %x: f32[] = input\n  %y: f32[] = Swish(%x)\n  %z: f32[] = Swish@y(%x)\n}",
       "line 4, column 15: there is already a node y"},
      {"graph g {\n  %x: f32[] = input\n  return y = %x, y = %x\n}",
       "line 3, column 18: there is already an output y"},
      {"graph g {\n  %x: f32[] = input\n  return \"\" = %x\n}", "an output needs a name"},
      {"graph g {\n  %x: f32[] = input\n  return y = %x\n  return z = %x\n}",
       "line 4, column 3: expected '}'"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.text);
    try {
      parse_graph(row.text);
      ADD_FAILURE() << "nothing was thrown";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
      EXPECT_THAT(error.what(), testing::HasSubstr(row.message));
      EXPECT_THAT(error.what(), testing::HasSubstr("line "));
    }
  }
}

TEST(TextForm, EveryCutOfATextIsAnError) {
  for (std::size_t length = 0; length + 2 < kLlama.size(); ++length)
    EXPECT_THROW(parse_graph(kLlama.substr(0, length)), Error) << length;
}

}  // namespace
}  // namespace lathe
