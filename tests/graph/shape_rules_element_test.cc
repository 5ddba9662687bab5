// Rules of ops that work element by element: what they say of shapes that are numbers, symbols and unknown,
// and what they refuse.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/error.h"
#include "graph/graph.h"
#include "graph/infer.h"
#include "graph/op_rows.h"

namespace lathe {
namespace {

constexpr auto f32 = Dtype::f32;
constexpr auto i32 = Dtype::i32;
const Dim kUnknown = Dim::unknown();

std::vector<ValueId> add_inputs(Graph& graph, const std::vector<ValueType>& types) {
  std::vector<ValueId> ids;
  for (const auto& type : types) {
    static constexpr std::byte kNothing{};
    const auto name = "in" + std::to_string(ids.size());
    ids.push_back(type.dtype == Dtype::none ? graph.add_constant(name, {&kNothing, Dtype::none, {0}}, nullptr)
                                            : graph.add_input(name, type));
  }
  return ids;
}

std::string inferred(std::string_view op, const std::vector<ValueType>& types,
                     const Attributes& attributes = {}) {
  Graph graph;
  const auto ids = add_inputs(graph, types);
  std::string text;
  for (const auto id : graph.add_node(op, "node", ids, attributes))
    text += (text.empty() ? "" : " ") + to_string(graph.value(id).type);
  return text;
}

/// Types without a rank cannot be given, only computed: the rule alone is asked.
std::string inferred_unranked(std::string_view op, const std::vector<ValueType>& types) {
  Node node;
  node.op = find_op(op);
  node.attributes = complete_attributes(*node.op, {});
  const std::vector<TensorView> values(types.size());
  return to_string(infer_types(node, {types, values}).at(0));
}

std::string refusal(std::string_view op, const std::vector<ValueType>& types,
                    const Attributes& attributes = {}) {
  try {
    return "gives " + inferred(op, types, attributes);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    return error.what();
  }
}

/// Attributes that the op must be given.
Attributes needed(const Op& op) {
  if (op.name == "Cast" || op.name == "BitCast") return {{"to", "i32"}};
  if (op.name == "BitShift") return {{"direction", "LEFT"}};
  return {};
}

TEST(ElementRules, TakeTwoDimensionsOfSomeTypeAndNoBlocks) {
  const std::set<std::string_view> kTables = {"ArrayFeatureExtractor", "LabelEncoder"};  // further down
  for (const auto& op : op_rows::element_rows()) {
    if (kTables.contains(op.name)) continue;
    int taken = 0;
    for (const auto dtype : {f32, i32, Dtype::boolean, Dtype::q4_0}) {
      std::vector<ValueType> types(static_cast<std::size_t>(op.min_inputs), {dtype, {3, 32}});
      if (op.name == "WhereAny") types[0].dtype = Dtype::boolean;
      try {
        const auto found = inferred(op.name, types, needed(op));
        EXPECT_NE(found.find("[3, 32]"), std::string::npos) << op.name << " gives " << found;
        EXPECT_NE(dtype, Dtype::q4_0) << op.name;
        ++taken;
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::invalid_argument) << op.name;
      }
    }
    EXPECT_GT(taken, 0) << op.name;
  }
}

TEST(ElementRules, BroadcastNumbersAndSymbols) {
  EXPECT_EQ(inferred("AddAny", {{i32, {4, 1, 3}}, {i32, {2, 1}}}), "i32[4, 2, 3]");
  EXPECT_EQ(inferred("AddAny", {{i32, {}}, {i32, {2, 5}}}), "i32[2, 5]");
  EXPECT_EQ(inferred("AddAny", {{f32, {"T", 4}}, {f32, {"T", 1}}}), "f32[T, 4]");
  EXPECT_EQ(inferred("Less", {{f32, {0, 4}}, {f32, {1}}}), "bool[0, 4]");
  EXPECT_EQ(inferred("WhereAny", {{Dtype::boolean, {3, 1}}, {Dtype::f64, {4}}, {Dtype::f64, {2, 1, 1}}}),
            "f64[2, 3, 4]");
  EXPECT_EQ(inferred("PowAny", {{Dtype::f16, {2}}, {Dtype::u8, {3, 1}}}), "f16[3, 2]");
}

TEST(ElementRules, LeaveToARunWhatOnlyARunKnows) {
  EXPECT_EQ(inferred("AddAny", {{f32, {"T"}}, {f32, {4}}}), "f32[\"?\"]")
      << "T is 4 or 1, which somebody must check";
  EXPECT_EQ(inferred("AddAny", {{f32, {"T"}}, {f32, {"S"}}}), "f32[\"?\"]");
  EXPECT_EQ(inferred_unranked("AddAny", {{f32, {kUnknown, 7}}, {f32, {5, kUnknown}}}), "f32[5, 7]");
  EXPECT_EQ(inferred_unranked("AddAny", {ValueType::unranked(f32), {f32, {5}}}), "f32[...]");
  EXPECT_EQ(inferred_unranked("Sin", {ValueType::unranked(f32)}), "f32[...]");
  EXPECT_EQ(inferred_unranked("SwiGLU", {{f32, {kUnknown, 7}}, {f32, {kUnknown, 7}}}), "f32[\"?\", 7]");
}

TEST(ElementRules, TablesGiveTheirTypes) {
  EXPECT_EQ(inferred("ArrayFeatureExtractor", {{f32, {4, 9}}, {Dtype::i64, {1, 3}}}), "f32[4, 3]");
  EXPECT_EQ(inferred("ArrayFeatureExtractor", {{f32, {9}}, {Dtype::i64, {3}}}), "f32[1, 3]");
  EXPECT_EQ(inferred("LabelEncoder", {{Dtype::i64, {4, "T"}}, {Dtype::i64, {3}}, {f32, {3}}, {f32, {1}}}),
            "f32[4, T]");
}

TEST(ElementRules, RefuseShapesThatDoNotFit) {
  using testing::HasSubstr;
  EXPECT_THAT(refusal("AddAny", {{f32, {3}}, {f32, {4}}}), HasSubstr("does not broadcast"));
  EXPECT_THAT(refusal("WhereAny", {{Dtype::boolean, {3}}, {f32, {1}}, {f32, {2}}}),
              HasSubstr("does not broadcast"));
  EXPECT_THAT(refusal("PRelu", {{f32, {3}}, {f32, {2, 3}}}), HasSubstr("more dimensions than x"));
  EXPECT_THAT(refusal("PRelu", {{f32, {2, 1}}, {f32, {3}}}), HasSubstr("does not broadcast to x"));
  EXPECT_THAT(refusal("SwiGLU", {{f32, {2, 3}}, {f32, {1, 3}}}), HasSubstr("dimension 0 must be 2"));
  EXPECT_THAT(refusal("SwiGLU", {{f32, {2, 3}}, {f32, {3}}}), HasSubstr("must have 2 dimensions"));
  EXPECT_THAT(refusal("ClipAny", {{f32, {2}}, {f32, {2}}}), HasSubstr("one element"));
  EXPECT_THAT(refusal("ArrayFeatureExtractor", {{f32, {}}, {Dtype::i64, {1}}}), HasSubstr("dimensions"));
  EXPECT_THAT(refusal("LabelEncoder", {{f32, {2}}, {f32, {3}}, {f32, {2}}, {f32, {1}}}),
              HasSubstr("as many as the keys"));
}

TEST(ElementRules, RefuseTypesThatDoNotFit) {
  using testing::HasSubstr;
  EXPECT_THAT(refusal("AddAny", {{f32, {3}}, {i32, {3}}}), HasSubstr("must be f32"));
  EXPECT_THAT(refusal("AddAny", {{Dtype::boolean, {3}}, {Dtype::boolean, {3}}}), HasSubstr("not taken"));
  EXPECT_THAT(refusal("Sin", {{i32, {3}}}), HasSubstr("not taken"));
  EXPECT_THAT(refusal("And", {{Dtype::u8, {3}}, {Dtype::u8, {3}}}), HasSubstr("not taken"));
  EXPECT_THAT(refusal("BitwiseNot", {{f32, {3}}}), HasSubstr("not taken"));
  EXPECT_THAT(refusal("WhereAny", {{Dtype::i8, {3}}, {f32, {3}}, {f32, {3}}}), HasSubstr("must be bool"));
  EXPECT_THAT(refusal("Cast", {{Dtype::q4_0, {32}}}, {{"to", "f32"}}), HasSubstr("not taken"));
  EXPECT_THAT(refusal("Cast", {{f32, {3}}}, {{"to", "q4_0"}}), HasSubstr("no element type"));
  EXPECT_THAT(refusal("Cast", {{f32, {3}}}, {{"to", "f99"}}), HasSubstr("no element type"));
  EXPECT_THAT(refusal("BitCast", {{f32, {3}}}, {{"to", "i16"}}), HasSubstr("another width"));
  EXPECT_THAT(refusal("BitCast", {{Dtype::u8, {3}}}, {{"to", "u4"}}), HasSubstr("another width"));
}

TEST(ElementRules, RefuseAttributesThatSayNothing) {
  using testing::HasSubstr;
  EXPECT_THAT(refusal("BitShift", {{i32, {3}}, {i32, {3}}}, {{"direction", "UP"}}),
              HasSubstr("LEFT or RIGHT"));
  EXPECT_THAT(refusal("Mod", {{i32, {3}}, {i32, {3}}}, {{"fmod", 2}}), HasSubstr("0 to 1"));
  EXPECT_THAT(refusal("GeluAny", {{f32, {3}}}, {{"approximate", "yes"}}), HasSubstr("none or tanh"));
  EXPECT_THAT(refusal("Cast", {{f32, {3}}}, {{"to", "f8e8m0"}, {"round_mode", "sideways"}}),
              HasSubstr("up, down or nearest"));
}

/// Dropout's rule as a run asks it: with the elements of ratio and training mode.
std::vector<ValueType> dropout(float ratio, bool training) {
  Node node;
  node.op = find_op("Dropout");
  const std::vector<ValueType> types = {{f32, {2}}, {f32, {}}, {Dtype::boolean, {}}};
  const std::vector<TensorView> values = {
      {},
      {reinterpret_cast<const std::byte*>(&ratio), f32, {}},
      {reinterpret_cast<const std::byte*>(&training), Dtype::boolean, {}}};
  return infer_types(node, {types, values});
}

TEST(ElementRules, DropoutIsInferenceAlone) {
  EXPECT_EQ(inferred("Dropout", {{f32, {2}}}), "f32[2] bool[2]");
  EXPECT_EQ(inferred("Dropout", {{f32, {2}}, {f32, {}}, {Dtype::boolean, {}}}), "f32[...] bool[...]")
      << "a run may ask for training";
  EXPECT_EQ(to_string(dropout(0.5F, false).at(1)), "bool[2]");
  EXPECT_EQ(to_string(dropout(-0.0F, true).at(0)), "f32[2]");
  try {
    dropout(0.5F, true);
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::unsupported);
  }
}

}  // namespace
}  // namespace lathe
