// Rules of products of codes: the types that they give, also where a run alone knows more, and what they
// refuse.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "graph/code_product.h"
#include "graph/graph.h"

namespace lathe {
namespace {

using testing::HasSubstr;

constexpr auto f32 = Dtype::f32;
constexpr auto i8 = Dtype::i8;
constexpr auto u8 = Dtype::u8;
const ValueType kAbsent{Dtype::none, {0}};
const ValueType kNumber{f32, {}};

/// The inputs in their order; those behind the zero point of x may be left out.
using Inputs = std::vector<ValueType>;

std::string inferred(std::string_view op, const Inputs& inputs, const Attributes& attributes = {}) {
  Graph graph;
  std::vector<ValueId> ids;
  for (const auto& type : inputs) {
    static constexpr std::byte kNothing{};
    const auto name = "in" + std::to_string(ids.size());
    ids.push_back(type.dtype == Dtype::none ? graph.add_constant(name, {&kNothing, Dtype::none, {0}}, nullptr)
                                            : graph.add_input(name, type));
  }
  try {
    return to_string(graph.value(graph.add_node(op, "node", ids, attributes).at(0)).type);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    return error.what();
  }
}

Inputs conv(const ValueType& x) { return {x, {i8, {6, 2, 3, 3}}, {f32, {6}}, {f32, {6}}, {x.dtype, {}}}; }

Inputs linear(const ValueType& x) { return {x, {i8, {6, 4}}, {f32, {6}}, kAbsent, {x.dtype, {1}}}; }

Inputs with(Inputs inputs, std::size_t input, const ValueType& type) {
  inputs.resize(std::max(inputs.size(), input + 1), kAbsent);
  inputs[input] = type;
  return inputs;
}

Inputs with_codes(Inputs inputs, Dtype dtype) {
  return with(with(std::move(inputs), code_product::kYScale, kNumber), code_product::kYZero, {dtype, {}});
}

const ValueType kImage{u8, {"N", 4, 9, "W"}};
const Attributes kTwoGroups = {{"group", 2}, {"pads", "1,1,1,1"}};

TEST(CodeRules, GiveFloatsAndCodes) {
  EXPECT_EQ(inferred("ConvCodes", conv(kImage), kTwoGroups), "f32[N, 6, 9, W]");
  EXPECT_EQ(inferred("ConvCodes", with_codes(conv(kImage), i8), kTwoGroups), "i8[N, 6, 9, W]");
  EXPECT_EQ(inferred("ConvCodes", with_codes(conv({i8, {1, 2, 5, 8}}), u8), {{"strides", "2,1"}}),
            "u8[1, 6, 2, 6]");
  EXPECT_EQ(inferred("ConvCodes", conv(ValueType::unranked(u8))), R"(f32["?", 6, "?", "?"])");
  EXPECT_EQ(inferred("LinearCodes", linear({i8, {"T", 4}})), "f32[T, 6]");
  EXPECT_EQ(inferred("LinearCodes", with_codes(linear({u8, {2, "T", 4}}), u8)), "u8[2, T, 6]");
  EXPECT_EQ(inferred("LinearCodes", linear({u8, {4}})), "f32[6]");
  EXPECT_EQ(inferred("LinearCodes", linear(ValueType::unranked(u8))), "f32[...]");
}

TEST(CodeRules, AddFloatsAndCodes) {
  const Inputs floats = with(linear({i8, {"T", 4}}), code_product::kAddend, {f32, {"T", 6}});
  EXPECT_EQ(inferred("LinearCodes", floats), "f32[T, 6]");
  Inputs codes = with(with_codes(conv(kImage), i8), code_product::kAddend, {u8, {"N", 6, 9, "W"}});
  codes[code_product::kAddendScale] = kNumber;
  codes[code_product::kAddendZero] = {u8, {1}};
  EXPECT_EQ(inferred("ConvCodes", codes, kTwoGroups), "i8[N, 6, 9, W]");
  codes[code_product::kAddendZero] = {i8, {1}};
  EXPECT_THAT(inferred("ConvCodes", codes, kTwoGroups), HasSubstr("input 7 (addend zero"));
  codes[code_product::kAddendScale] = kAbsent;
  EXPECT_THAT(inferred("ConvCodes", codes, kTwoGroups), HasSubstr("input 6 must be given"));
  EXPECT_THAT(inferred("LinearCodes", with(floats, code_product::kAddendScale, kNumber)),
              HasSubstr("input 6 (addend scale) is f32[]: must be absent"));
  EXPECT_THAT(inferred("LinearCodes", with(floats, code_product::kAddend, {f32, {"T", 5}})),
              HasSubstr("dimension 1 must be 6 (of y)"));
  EXPECT_THAT(inferred("LinearCodes", with(floats, code_product::kAddend, {f32, {6}})),
              HasSubstr("2 dimensions"));
}

TEST(CodeRules, RefuseWhatDoesNotFit) {
  const Inputs rows = linear({i8, {"T", 4}});
  EXPECT_THAT(inferred("LinearCodes", with(rows, 0, {f32, {"T", 4}})), HasSubstr("input 0 (x)"));
  EXPECT_THAT(inferred("LinearCodes", with(rows, 0, {i8, {"T", 5}})), HasSubstr("(columns of x)"));
  EXPECT_THAT(inferred("LinearCodes", with(rows, 1, {u8, {6, 4}})), HasSubstr("input 1 (weight)"));
  EXPECT_THAT(inferred("LinearCodes", with(rows, 2, {f32, {5}})), HasSubstr("the weights' rows"));
  EXPECT_THAT(inferred("LinearCodes", with(rows, 3, {f32, {7}})), HasSubstr("input 3 (bias)"));
  EXPECT_THAT(inferred("LinearCodes", with(rows, 4, {u8, {}})), HasSubstr("input 4 (x zero point)"));
  EXPECT_THAT(inferred("LinearCodes", with(rows, 4, kAbsent)), HasSubstr("input 4 must be given"));
  EXPECT_THAT(inferred("LinearCodes", with(rows, 4, {i8, {2}})), HasSubstr("must be one number"));
  EXPECT_THAT(inferred("LinearCodes", with(rows, code_product::kYScale, kNumber)),
              HasSubstr("input 9 must be given"));
  EXPECT_THAT(inferred("LinearCodes", with_codes(rows, f32)), HasSubstr("input 9 (y zero point)"));
  EXPECT_THAT(inferred("LinearCodes", rows, {{"least", 1.0}, {"most", 0.5}}),
              HasSubstr("least must be at most as much as most"));
  EXPECT_THAT(inferred("ConvCodes", conv({u8, {1, 3, 9, 9}}), kTwoGroups),
              HasSubstr("the weights' channels times the groups"));
  EXPECT_THAT(inferred("ConvCodes", conv({u8, {1, 4, 9}}), kTwoGroups), HasSubstr("must have 3 dimensions"));
  EXPECT_THAT(inferred("ConvCodes", conv({u8, {1, 4, 0, 9}}), {{"group", 2}}), HasSubstr("does not fit"));
}

TEST(CodeRules, GiveCodesInOneStep) {
  const Inputs rows = with(linear({i8, {"T", 4}}), code_product::kYZero, {u8, {}});
  EXPECT_EQ(inferred("LinearCodes", rows), "u8[T, 6]");
  EXPECT_EQ(inferred("LinearCodes", with(rows, code_product::kBias, {Dtype::i32, {6}})), "u8[T, 6]");
  EXPECT_THAT(inferred("LinearCodes", with(rows, code_product::kBias, {f32, {6}})),
              HasSubstr("input 3 (bias)"));
  EXPECT_THAT(inferred("LinearCodes", with(rows, code_product::kAddend, {f32, {"T", 6}})),
              HasSubstr("neither addend nor bounds"));
  EXPECT_THAT(inferred("LinearCodes", rows, {{"least", 0.0}}), HasSubstr("neither addend nor bounds"));
  EXPECT_EQ(inferred("ConvCodes",
                     with(with(conv(kImage), code_product::kBias, {Dtype::i32, {6}}), code_product::kYZero,
                          {i8, {}}),
                     kTwoGroups),
            "i8[N, 6, 9, W]");
}

TEST(CodeRules, LookUpCodesOfAByte) {
  EXPECT_EQ(inferred("MapCodes", {{u8, {"N", 3}}, {i8, {256}}}), "i8[N, 3]");
  EXPECT_EQ(inferred("MapCodes", {ValueType::unranked(i8), {u8, {256}}}), "u8[...]");
  EXPECT_THAT(inferred("MapCodes", {{f32, {3}}, {u8, {256}}}), HasSubstr("input 0 (x)"));
  EXPECT_THAT(inferred("MapCodes", {{u8, {3}}, {u8, {255}}}), HasSubstr("the codes of a byte"));
  EXPECT_THAT(inferred("MapCodes", {{u8, {3}}, {u8, {1, 256}}}), HasSubstr("input 1 (table)"));
}

Inputs pair(const ValueType& a, const ValueType& b, Dtype y) {
  return {a, b, kNumber, {a.dtype, {}}, kNumber, {b.dtype, {1}}, kNumber, {y, {}}};
}

TEST(CodeRules, BroadcastPairs) {
  for (const std::string_view op : {"AddCodes", "SubCodes", "MulCodes"}) {
    EXPECT_EQ(inferred(op, pair({u8, {"N", 4, 9}}, {i8, {4, 1}}, i8)), "i8[N, 4, 9]");
    EXPECT_EQ(inferred(op, pair({u8, {1, 4}}, {u8, {"N", 1}}, u8), {{"least", 0.0}}), "u8[N, 4]");
    EXPECT_EQ(inferred(op, pair(ValueType::unranked(u8), {u8, {4}}, u8)), "u8[...]");
    const Inputs rows = pair({u8, {"T", 4}}, {i8, {"T", 4}}, u8);
    EXPECT_THAT(inferred(op, with(rows, 1, {i8, {3}})), HasSubstr("does not broadcast with a"));
    EXPECT_THAT(inferred(op, with(rows, 0, {f32, {"T", 4}})), HasSubstr("input 0 (a)"));
    EXPECT_THAT(inferred(op, with(rows, 3, {i8, {}})), HasSubstr("input 3 (a zero point)"));
    EXPECT_THAT(inferred(op, with(rows, 4, {f32, {2}})), HasSubstr("must be one number"));
    EXPECT_THAT(inferred(op, with(rows, 6, kAbsent)), HasSubstr("input 6 must be given"));
    EXPECT_THAT(inferred(op, with(rows, 7, {f32, {}})), HasSubstr("input 7 (y zero point)"));
    EXPECT_THAT(inferred(op, rows, {{"least", 2.0}, {"most", 1.0}}), HasSubstr("least must be"));
  }
}

}  // namespace
}  // namespace lathe
