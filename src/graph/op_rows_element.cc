// Element by element, of any type. Attributes stand in the order in which kernels get them. Where a name ends
// in "Any", a row without takes float32 alone and is faster.
#include "graph/op_rows.h"
#include "graph/shape_rules_element.h"

namespace lathe::op_rows {

std::vector<Op> element_rows() {
  using enum FusionKind;
  using element_rules::Kinds;
  namespace rules = element_rules;
  constexpr auto kFloats = rules::of<Kinds::floats, rules::same>;
  constexpr auto kNumbers = rules::of<Kinds::numbers, rules::same>;
  constexpr auto kArithmetic = rules::of<Kinds::numbers, rules::broadcast_both>;
  constexpr auto kComparison = rules::of<Kinds::numbers, rules::broadcast_to_bool>;
  constexpr auto kBits = rules::of<Kinds::integers, rules::broadcast_both>;
  constexpr auto kTruth = rules::of<Kinds::bools, rules::broadcast_both>;
  std::vector<Op> rows;
  for (const auto* name : {"AddAny", "SubAny", "MulAny", "DivAny", "Max", "Min"})
    rows.push_back(value_row(name, 2, 2, 1, {}, broadcast, kArithmetic));
  for (const auto* name : {"Less", "LessOrEqual", "Greater", "GreaterOrEqual"})
    rows.push_back(value_row(name, 2, 2, 1, {}, broadcast, kComparison));
  for (const auto* name : {"BitwiseAnd", "BitwiseOr", "BitwiseXor"})
    rows.push_back(value_row(name, 2, 2, 1, {}, broadcast, kBits));
  for (const auto* name : {"And", "Or", "Xor"})
    rows.push_back(value_row(name, 2, 2, 1, {}, broadcast, kTruth));
  for (const auto* name :
       {"Acos",     "Acosh",         "Asin",   "Asinh",      "Atan",  "Atanh",     "Ceil",
        "Cos",      "Cosh",          "ErfAny", "ExpAny",     "Floor", "HardSwish", "LogAny",
        "Mish",     "ReciprocalAny", "Round",  "SigmoidAny", "Sin",   "Sinh",      "SoftplusAny",
        "Softsign", "SqrtAny",       "Tan",    "TanhAny"})
    rows.push_back(value_row(name, 1, 1, 1, {}, pointwise, kFloats));
  for (const auto* name : {"AbsAny", "NegAny", "ReluAny", "Sign"})
    rows.push_back(value_row(name, 1, 1, 1, {}, pointwise, kNumbers));
  // clang-format off
  const std::vector<Op> others = {
      value_row("ArrayFeatureExtractor", 2, 2, 1, {}, shuffle, rules::array_feature_extractor),
      value_row("Binarizer", 1, 1, 1, {{"threshold", kReal, 0}}, pointwise, kNumbers),
      value_row("BitCast", 1, 1, 1, {{"to", kText, kRequired}}, pointwise, rules::bit_cast),
      value_row("BitShift", 2, 2, 1, {{"direction", kText, kRequired}}, broadcast, rules::bit_shift),
      value_row("BitwiseNot", 1, 1, 1, {}, pointwise, rules::of<Kinds::integers, rules::same>),
      value_row("Cast", 1, 1, 1, {{"to", kText, kRequired}, {"saturate", kInteger, 1}, {"round_mode", kText, 0}}, pointwise, rules::cast),
      value_row("Celu", 1, 1, 1, {{"alpha", kReal, 1}}, pointwise, kFloats),
      value_row("ClipAny", 1, 3, 1, {}, pointwise, rules::clip),
      value_row("Dropout", 1, 3, 2, {}, pointwise, rules::dropout, 0b110),
      value_row("Elu", 1, 1, 1, {{"alpha", kReal, 1}}, pointwise, kFloats),
      value_row("Equal", 2, 2, 1, {}, broadcast, rules::of<Kinds::comparable, rules::broadcast_to_bool>),
      value_row("GeluAny", 1, 1, 1, {{"approximate", kText, 0}}, pointwise, rules::gelu),
      value_row("HardSigmoid", 1, 1, 1, {{"alpha", kReal, 0.2F}, {"beta", kReal, 0.5}}, pointwise, kFloats),
      value_row("IsInf", 1, 1, 1, {{"detect_negative", kInteger, 1}, {"detect_positive", kInteger, 1}}, pointwise,
                rules::of<Kinds::floats, rules::same_as_bool>),
      value_row("IsNaN", 1, 1, 1, {}, pointwise, rules::of<Kinds::floats, rules::same_as_bool>),
      value_row("LabelEncoder", 4, 4, 1, {}, shuffle, rules::label_encoder),
      value_row("LeakyRelu", 1, 1, 1, {{"alpha", kReal, 0.01F}}, pointwise, kFloats),
      value_row("Mod", 2, 2, 1, {{"fmod", kInteger, 0}}, broadcast, rules::mod),
      value_row("Not", 1, 1, 1, {}, pointwise, rules::of<Kinds::bools, rules::same>),
      value_row("PRelu", 2, 2, 1, {}, broadcast, rules::parametric_relu),
      value_row("PowAny", 2, 2, 1, {}, broadcast, rules::power),
      value_row("Selu", 1, 1, 1, {{"alpha", kReal, 1.67326319217681884765625}, {"gamma", kReal, 1.05070102214813232421875}},
                pointwise, kFloats),
      value_row("Shrink", 1, 1, 1, {{"bias", kReal, 0}, {"lambd", kReal, 0.5}}, pointwise, kNumbers),
      value_row("SwiGLU", 2, 2, 1, {{"alpha", kReal, 1}}, pointwise, rules::swiglu),
      value_row("SwishAny", 1, 1, 1, {{"alpha", kReal, 1}}, pointwise, kFloats),
      value_row("ThresholdedRelu", 1, 1, 1, {{"alpha", kReal, 1}}, pointwise, kFloats),
      value_row("WhereAny", 3, 3, 1, {}, broadcast, rules::where),
  };
  // clang-format on
  rows.insert(rows.end(), others.begin(), others.end());
  return rows;
}

}  // namespace lathe::op_rows
