// Types of If, Loop, Scan, sequences and optionals, and of what only a run knows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "graph/graph.h"

namespace lathe {
namespace {

/// Types behind a graph in text form, by the names of its outputs.
std::string types_of(const std::string& body) {
  const Graph graph = parse_graph("graph g {\n" + body + "}\n");
  verify(graph, "test");
  EXPECT_EQ(print(parse_graph(print(graph))), print(graph));
  std::string types;
  for (const auto id : graph.outputs) types += (types.empty() ? "" : " ") + to_string(graph.value(id).type);
  return types;
}

void expect_refused(const std::string& body, const std::string& message) {
  try {
    types_of(body);
    ADD_FAILURE() << "accepted, and should be refused: " << message;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument) << error.what();
    EXPECT_THAT(error.what(), testing::HasSubstr(message));
  }
}

const std::string kBranches =
    " do graph then {\n%a: f32[2, 3] = input\n%b: f32[2, 3] = Relu(%a)\nreturn y = %b\n}"
    " do graph else {\n%a: f32[4, 3] = input\n%b: f32[4, 3] = Relu(%a)\nreturn y = %b\n}\n";

TEST(ControlRules, IfKnowsWhatBothGraphsGive) {
  const std::string inputs = "%c: bool[] = input\n%x: f32[2, 3] = input\n%z: f32[4, 3] = input\n";
  EXPECT_EQ(types_of(inputs + "%y: f32[\"?\", 3] = If(%c, %x, %z) {then_inputs = 1}" + kBranches +
                     "return y = %y\n"),
            "f32[\"?\", 3]");
  expect_refused(inputs + "%y: f32[\"?\", 3] = If(%c, %x) {then_inputs = 1}" + kBranches + "return y = %y\n",
                 "inputs");
  expect_refused(
      inputs + "%y: f32[\"?\", 3] = If(%x, %x, %z) {then_inputs = 1}" + kBranches + "return y = %y\n",
      "bool");
  expect_refused(inputs + "%y: f32[2, 3] = If(%c, %x, %z) {then_inputs = 1}" + kBranches + "return y = %y\n",
                 "its op gives");
}

TEST(ControlRules, LoopStacksWhatItsGraphGives) {
  const std::string loop =
      "%n: i64[] = input\n%go: bool[] = input\n%x: f32[2] = input\n"
      "%y.0: f32[2], %y.1: f32[\"?\", 2] = Loop(%n, %go, %x) {carried = 1} do graph body {\n"
      "%i: i64[] = input\n%c: bool[] = input\n%a: f32[2] = input\n%b: f32[2] = Add(%a, %a)\n"
      "return c = %c, b = %b, s = %b\n}\nreturn y = %y.0, s = %y.1\n";
  EXPECT_EQ(types_of(loop), "f32[2] f32[\"?\", 2]");
}

TEST(ControlRules, ScanHasTheLengthOfItsInputs) {
  const std::string scan =
      "%x: f32[5, T, 2] = input\n%y: f32[2, T] = Scan(%x) {states = 0, scanned = 1, input_axes = \"1\","
      " output_axes = \"1\"} do graph body {\n"
      "%a: f32[5, 2] = input\n%b: f32[2] = ReduceSum(%a) {axes = \"0\", keepdims = 0}\nreturn b = %b\n}\n"
      "return y = %y\n";
  EXPECT_EQ(types_of(scan), "f32[2, T]");
}

TEST(SequenceRules, KnowTheDtypeAndNotTheShapes) {
  const std::string sequence =
      "%x: f32[2] = input\n%z: f32[3, 4] = input\n%p: i64[] = input\n"
      "%s: seq(f32[...]) = SequenceConstruct(%x, %z)\n%t: seq(f32[...]) = SequenceInsert(%s, %x, %p)\n"
      "%a: f32[...] = SequenceAt(%t, %p)\n%n: i64[] = SequenceLength(%t)\n"
      "%o: opt(seq(f32[...])) = Optional(%t)\n%h: bool[] = OptionalHasElement(%o)\n"
      "return t = %t, a = %a, n = %n, o = %o, h = %h\n";
  EXPECT_EQ(types_of(sequence), "seq(f32[...]) f32[...] i64[] opt(seq(f32[...])) bool[]");
  expect_refused("%x: f32[2] = input\n%n: i64[] = SequenceLength(%x)\nreturn n = %n\n", "must be a sequence");
  expect_refused(
      "%x: f32[2] = input\n%i: i64[2] = input\n%s: seq(f32[...]) = SequenceConstruct(%x, %i)\nreturn s = "
      "%s\n",
      "must be f32");
  expect_refused(
      "%x: f32[2] = input\n%s: seq(f32[...]) = SequenceConstruct(%x)\n"
      "%y: f32[...] = Relu(%s)\nreturn y = %y\n",
      "Relu of seq");
}

TEST(TextForm, RefusesGraphsThatNestTooDeep) {
  std::string text;
  for (int i = 0; i < 40; ++i)
    text += "%c" + std::to_string(i) + ": bool[] = input\n%y" + std::to_string(i) + ": bool[] = If(%c" +
            std::to_string(i) + ") {then_inputs = 0} do graph g {\n";
  expect_refused(text, "nest deeper");
}

}  // namespace
}  // namespace lathe
