// Types of ops on texts: of those that read or write them, of those that move any elements, and of those that
// take numbers alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "graph/graph.h"
#include "graph/infer.h"

namespace lathe {
namespace {

/// The type of %y behind nodes in text form.
std::string type_of(const std::string& inputs, const std::string& node) {
  std::string text = "graph g {\n" + inputs + node + "\nreturn y = %y\n}\n";
  const Graph graph = parse_graph(text);
  verify(graph, "test");
  EXPECT_EQ(print(parse_graph(print(graph))), print(graph));
  return to_string(graph.value(graph.outputs[0]).type);
}

const std::string kTexts = "%x: string[2, N] = input\n%i: i64[2] = input\n%n: f32[2, N] = input\n";

void expect_refused(const std::string& node, const std::string& message) {
  try {
    type_of(kTexts, node);
    ADD_FAILURE() << node;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument) << error.what();
    EXPECT_THAT(error.what(), testing::HasSubstr(message));
  }
}

TEST(StringRules, GiveTypes) {
  struct Row {
    const char* node;
    const char* type;
  };
  for (const Row& row :
       {Row{"%y: string[2, N] = StringConcat(%x, %x)", "string[2, N]"},
        Row{"%y: bool[2, N] = RegexFullMatch(%x) {pattern = \"a*\"}", "bool[2, N]"},
        Row{"%y: string[2, N, \"?\"], %c: i64[2, N] = StringSplit(%x)", "string[2, N, \"?\"]"},
        Row{"%y: string[2, N] = CastToString(%n)", "string[2, N]"},
        Row{"%y: f64[2, N] = CastFromString(%x) {to = \"f64\"}", "f64[2, N]"},
        Row{"%y: bool[2, N] = Equal(%x, %x)", "bool[2, N]"},
        Row{"%y: string[N, 2] = TransposeAny(%x) {perm = \"1, 0\"}", "string[N, 2]"},
        Row{"%y: string[2, N] = GatherAny(%x, %i)", "string[2, N]"},
        Row{"%y: seq(string[...]) = SequenceConstruct(%x)", "seq(string[...])"}})
    EXPECT_EQ(type_of(kTexts, row.node), row.type);
  const std::string row = "%x: string[1, 3] = input\n%w: string[2] = input\n";
  EXPECT_EQ(type_of(row, "%y: string[1, \"?\"] = StringNormalizer(%x, %w) {case_change_action = \"LOWER\"}"),
            "string[1, \"?\"]");
  EXPECT_EQ(type_of("%b: u8[40] = input\n", "%y: string[2, 0] = Strings(%b) {shape = \"2, 0\"}"),
            "string[2, 0]");
  EXPECT_EQ(type_of("%b: u8[40] = input\n", "%y: string[] = Strings(%b) {shape = \"\"}"), "string[]");
}

TEST(StringRules, RefuseWhatDoesNotFit) {
  expect_refused("%y: string[2, N] = StringConcat(%x, %n)", "must be string");
  expect_refused("%y: bool[2, N] = RegexFullMatch(%n) {pattern = \"a\"}", "not taken");
  expect_refused("%y: bool[2, N] = RegexFullMatch(%x)", "pattern");
  expect_refused("%y: string[2, N, \"?\"], %c: i64[2, N] = StringSplit(%n)", "must be string");
  expect_refused("%y: string[2, N] = CastToString(%x)", "not taken");
  expect_refused("%y: f32[2, N] = CastFromString(%x) {to = \"f8e5m2\"}", "f8e5m2");
  expect_refused("%y: f32[2, N] = CastFromString(%x) {to = \"string\"}", "string");
  expect_refused("%y: string[2, \"?\"] = StringNormalizer(%x, %x) {case_change_action = \"NONE\"}",
                 "dimensions");
  expect_refused("%y: string[2] = Strings(%i) {shape = \"2\"}", "must be u8");
  expect_refused("%b: u8[40] = input\n%y: string[N] = Strings(%b) {shape = \"N\"}", "numbers from 0 on");
  expect_refused("%y: f32[2, N] = Cast(%x) {to = \"f32\"}", "texts have no bits");
  expect_refused("%y: string[2, N] = Cast(%n) {to = \"string\"}", "no element type");
  expect_refused("%y: u64[2, N] = BitCast(%x) {to = \"u64\"}", "texts have no bits");
  for (const char* op : {"Less", "AddAny"})
    expect_refused("%y: bool[2, N] = " + std::string(op) + "(%x, %x)", op);
  expect_refused("%y: i64[2, 1] = ArgMaxAny(%x) {axis = 1}", "numbers");
}

/// Whether the op takes these inputs, with attributes of 0 and empty texts where it has no defaults.
bool takes(const Op& op, std::vector<ValueType> types) {
  Node node{&op, "node", {}, {}, {}, {}};
  for (const auto& spec : op.attributes) {
    const double value = std::isnan(spec.default_value) ? 0 : spec.default_value;
    if (spec.kind == AttributeKind::integer) node.attributes[std::string(spec.name)] = std::int64_t(value);
    if (spec.kind == AttributeKind::real) node.attributes[std::string(spec.name)] = value;
    if (spec.kind >= AttributeKind::text) node.attributes[std::string(spec.name)] = std::string();
  }
  const auto count = std::max<std::size_t>(1, static_cast<std::size_t>(op.min_inputs));
  const ValueType last = types.back();
  types.resize(count, last);
  if (std::ranges::none_of(types, [](const ValueType& type) { return type.dtype == Dtype::string; }))
    return false;
  const std::vector<TensorView> values(count);
  try {
    infer_types(node, {types, values});
    return true;
  } catch (const Error&) {
    return false;
  }
}

TEST(StringRules, LetTextsIntoWhatMovesElementsAlone) {
  const ValueType texts{Dtype::string, {2, 2}};
  const ValueType places{Dtype::i64, {2, 2}};
  const ValueType list{Dtype::i64, {2}};
  const ValueType number{Dtype::i64, {}};
  const ValueType truths{Dtype::boolean, {2, 2}};
  const ValueType flags{Dtype::boolean, {2}};
  std::vector<std::string> names;
  for (const auto& op : all_ops()) {
    if (op.bodies > 0) continue;
    const bool any = takes(op, {texts}) || takes(op, {texts, places}) || takes(op, {texts, list}) ||
                     takes(op, {texts, number}) || takes(op, {texts, flags}) || takes(op, {truths, texts}) ||
                     takes(op, {texts, places, texts}) || takes(op, {places, number, texts});
    if (any) names.emplace_back(op.name);
  }
  EXPECT_THAT(names,
              testing::ElementsAre("ArrayFeatureExtractor", "CenterCropPad", "Compress", "Concat", "Dropout",
                                   "Equal", "ExpandAny", "EyeLike", "Flatten", "GatherAny", "GatherElements",
                                   "GatherND", "Identity", "Optional", "OptionalGetElement",
                                   "OptionalHasElement", "Pad", "RegexFullMatch", "ReshapeAny",
                                   "ReverseSequence", "ScatterElements", "SequenceConstruct", "Shape", "Size",
                                   "Slice", "SplitToSequence", "Squeeze", "StringConcat", "StringSplit",
                                   "Tile", "TransposeAny", "Trilu", "Unsqueeze", "WhereAny"));
}

}  // namespace
}  // namespace lathe
