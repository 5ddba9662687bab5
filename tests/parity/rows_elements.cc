#include "parity/rows_elements.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "parity/rows_arrays.h"

namespace lathe::parity {
namespace {

constexpr auto kFloats = std::to_array({Dtype::f32, Dtype::f64, Dtype::f16, Dtype::bf16});
constexpr auto kIntegers = std::to_array(
    {Dtype::i8, Dtype::i16, Dtype::i32, Dtype::i64, Dtype::u8, Dtype::u16, Dtype::u32, Dtype::u64});
constexpr auto kSigned = std::to_array(
    {Dtype::f32, Dtype::f64, Dtype::f16, Dtype::bf16, Dtype::i8, Dtype::i16, Dtype::i32, Dtype::i64});
constexpr auto kNumbers =
    std::to_array({Dtype::f32, Dtype::f64, Dtype::f16, Dtype::bf16, Dtype::i8, Dtype::i16, Dtype::i32,
                   Dtype::i64, Dtype::u8, Dtype::u16, Dtype::u32, Dtype::u64});
constexpr auto kBools = std::to_array({Dtype::boolean});

using Dtypes = std::span<const Dtype>;
using Attributes = std::vector<AttributeValue>;

/// Any bits; no divisor is 0, and truth values are 0 or 1.
Tensor any_bits(Random& random, Dtype dtype, const Shape& shape) {
  Tensor tensor = empty(dtype, shape);
  for (auto& byte : tensor.bytes)
    byte = static_cast<std::byte>(dtype == Dtype::boolean ? random() % 2 : random() % 255 + 1);
  return tensor;
}

std::string name_of(Dtype dtype) { return std::string(info(dtype).name); }

std::vector<Case> unary(std::string_view op, Dtypes dtypes, const Attributes& attributes = {},
                        bool to_bool = false) {
  Random random(61);
  std::vector<Case> cases;
  for (const auto dtype : dtypes)
    for (const auto& shape : {Shape{}, Shape{3, 7}, Shape{0, 2}, Shape{1300}})
      cases.push_back({name_of(dtype),
                       op,
                       {any_bits(random, dtype, shape)},
                       {empty(to_bool ? Dtype::boolean : dtype, shape)},
                       attributes,
                       -1});
  return cases;
}

std::vector<Case> binary(std::string_view op, Dtypes dtypes, const Attributes& attributes = {},
                         bool to_bool = false) {
  struct Shapes {
    Shape a, b, y;
  };
  const Shapes kShapes[] = {{{}, {}, {}},
                            {{2, 600}, {2, 600}, {2, 600}},
                            {{4, 1, 3}, {2, 1}, {4, 2, 3}},
                            {{1}, {5, 1, 2}, {5, 1, 2}},
                            {{0, 3}, {1, 3}, {0, 3}}};
  Random random(62);
  std::vector<Case> cases;
  for (const auto dtype : dtypes)
    for (const auto& shapes : kShapes)
      cases.push_back({name_of(dtype),
                       op,
                       {any_bits(random, dtype, shapes.a), any_bits(random, dtype, shapes.b)},
                       {empty(to_bool ? Dtype::boolean : dtype, shapes.y)},
                       attributes,
                       -1});
  return cases;
}

std::vector<Case> same_shape(std::string_view op, Dtypes dtypes, const Attributes& attributes) {
  auto cases = binary(op, dtypes, attributes);
  std::erase_if(cases, [](const Case& test) { return test.inputs[0].dims != test.inputs[1].dims; });
  return cases;
}

std::vector<Case> slope_cases() {
  auto cases = binary("PRelu", kNumbers);
  std::ranges::move(broadcast_cases("PRelu"), std::back_inserter(cases));
  std::erase_if(cases, [](const Case& test) { return test.inputs[0].dims != test.outputs[0].dims; });
  return cases;
}

std::vector<Case> pow_cases() {
  Random random(63);
  std::vector<Case> cases;
  for (const auto base : {Dtype::f32, Dtype::f64, Dtype::f16, Dtype::bf16, Dtype::i32, Dtype::i64})
    for (const auto exponent : kNumbers)
      cases.push_back({name_of(base) + " to the " + name_of(exponent),
                       "PowAny",
                       {any_bits(random, base, {3, 7}), any_bits(random, exponent, {7})},
                       {empty(base, {3, 7})},
                       {},
                       -1});
  return cases;
}

std::vector<Case> clip_any_cases() {
  Random random(64);
  std::vector<Case> cases;
  for (const auto dtype : kNumbers)
    for (const bool has_low : {false, true}) {
      Case test{name_of(dtype), "ClipAny", {any_bits(random, dtype, {40})}, {empty(dtype, {40})}, {}, -1};
      test.inputs.push_back(has_low ? any_bits(random, dtype, {}) : empty(Dtype::none, {0}));
      test.inputs.push_back(any_bits(random, dtype, {1}));
      cases.push_back(std::move(test));
    }
  return cases;
}

std::vector<Case> where_any_cases() {
  Random random(65);
  std::vector<Case> cases;
  for (const auto dtype : {Dtype::boolean, Dtype::f16, Dtype::i32, Dtype::f64})
    for (const auto& condition : {Shape{2, 1, 5}, Shape{5}, Shape{}})
      cases.push_back({name_of(dtype),
                       "WhereAny",
                       {any_bits(random, Dtype::boolean, condition), any_bits(random, dtype, {2, 3, 5}),
                        any_bits(random, dtype, {3, 1})},
                       {empty(dtype, {2, 3, 5})},
                       {},
                       -1});
  return cases;
}

std::vector<Case> dropout_cases() {
  Random random(66);
  std::vector<Case> cases;
  for (const auto dtype : kFloats)
    cases.push_back({name_of(dtype),
                     "Dropout",
                     {any_bits(random, dtype, {5, 9})},
                     {empty(dtype, {5, 9}), empty(Dtype::boolean, {5, 9})},
                     {},
                     -1});
  return cases;
}

std::vector<Dtype> castable() {
  std::vector<Dtype> dtypes(kNumbers.begin(), kNumbers.end());
  for (auto dtype = Dtype::i4; dtype < Dtype::none; dtype = static_cast<Dtype>(static_cast<int>(dtype) + 1))
    dtypes.push_back(dtype);
  dtypes.push_back(Dtype::boolean);
  return dtypes;
}

std::vector<Case> cast_cases() {
  Random random(67);
  std::vector<Case> cases;
  for (const auto from : castable())
    for (const auto to : castable())
      for (const auto& [saturate, mode] : {std::pair{1, "up"}, {0, "nearest"}})
        cases.push_back({name_of(from) + " to " + name_of(to),
                         "Cast",
                         {any_bits(random, from, {1100})},
                         {empty(to, {1100})},
                         {text(""), integer(saturate), text(mode)},
                         -1});
  return cases;
}

std::vector<Case> bit_cast_cases() {
  Random random(68);
  std::vector<Case> cases;
  const std::pair<Dtype, Dtype> kPairs[] = {{Dtype::f32, Dtype::i32},
                                            {Dtype::u64, Dtype::f64},
                                            {Dtype::u4, Dtype::i4},
                                            {Dtype::f4e2m1, Dtype::u4},
                                            {Dtype::boolean, Dtype::u8}};
  for (const auto& [from, to] : kPairs)
    cases.push_back(
        {name_of(from), "BitCast", {any_bits(random, from, {3, 50})}, {empty(to, {3, 50})}, {text("")}, -1});
  return cases;
}

std::vector<Case> extractor_cases() {
  Random random(69);
  Tensor indices = empty(Dtype::i64, {1, 3});
  const std::int64_t kIndices[] = {4, 0, 4};
  std::copy(std::begin(kIndices), std::end(kIndices), indices.as<std::int64_t>());
  std::vector<Case> cases;
  for (const auto dtype : {Dtype::f32, Dtype::f64, Dtype::i32, Dtype::i64})
    cases.push_back({name_of(dtype),
                     "ArrayFeatureExtractor",
                     {any_bits(random, dtype, {7, 5}), indices},
                     {empty(dtype, {7, 3})},
                     {},
                     -1});
  return cases;
}

std::vector<Case> encoder_cases() {
  Random random(70);
  std::vector<Case> cases;
  for (const auto dtype : {Dtype::f32, Dtype::f64, Dtype::i64, Dtype::i32, Dtype::i16}) {
    Tensor keys = any_bits(random, dtype, {9});
    Case test{name_of(dtype), "LabelEncoder", {keys, keys}, {empty(Dtype::f64, {9})}, {}, -1};
    test.inputs[0].bytes[0] ^= std::byte{1};  // one that is not among the keys
    test.inputs.push_back(any_bits(random, Dtype::f64, {9}));
    test.inputs.push_back(any_bits(random, Dtype::f64, {1}));
    cases.push_back(std::move(test));
  }
  return cases;
}

/// With numbers that no vector is full of, and infinities, in float32.
std::vector<Case> activation(std::string_view op, const Attributes& attributes = {}) {
  auto cases = unary(op, kFloats, attributes);
  for (auto& test : element_cases(op)) {
    test.attributes = attributes;
    cases.push_back(std::move(test));
  }
  return cases;
}

std::vector<Case> one_real(std::string_view op) { return unary(op, kFloats, {real(0.75)}); }

}  // namespace

std::vector<Row> element_rows() {
  return {
      {"AbsAny", [] { return unary("AbsAny", kNumbers); }, {}},
      {"Acos", [] { return unary("Acos", kFloats); }, {}},
      {"Acosh", [] { return unary("Acosh", kFloats); }, {}},
      {"AddAny", [] { return binary("AddAny", kNumbers); }, {}},
      {"And", [] { return binary("And", kBools); }, {}},
      {"ArrayFeatureExtractor", extractor_cases, {}},
      {"Asin", [] { return unary("Asin", kFloats); }, {}},
      {"Asinh", [] { return unary("Asinh", kFloats); }, {}},
      {"Atan", [] { return unary("Atan", kFloats); }, {}},
      {"Atanh", [] { return unary("Atanh", kFloats); }, {}},
      {"Binarizer", [] { return unary("Binarizer", kNumbers, {real(1.5)}); }, {}},
      {"BitCast", bit_cast_cases, {}},
      {"BitShift", [] { return binary("BitShift", kIntegers, {text("LEFT")}); }, {}},
      {"BitwiseAnd", [] { return binary("BitwiseAnd", kIntegers); }, {}},
      {"BitwiseNot", [] { return unary("BitwiseNot", kIntegers); }, {}},
      {"BitwiseOr", [] { return binary("BitwiseOr", kIntegers); }, {}},
      {"BitwiseXor", [] { return binary("BitwiseXor", kIntegers); }, {}},
      {"Cast", cast_cases, {}},
      {"Ceil", [] { return unary("Ceil", kFloats); }, {}},
      {"Celu", [] { return activation("Celu", {real(0.75)}); }, {}},
      {"ClipAny", clip_any_cases, {}},
      {"Cos", [] { return unary("Cos", kFloats); }, {}},
      {"Cosh", [] { return unary("Cosh", kFloats); }, {}},
      {"DivAny", [] { return binary("DivAny", kNumbers); }, {}},
      {"Dropout", dropout_cases, {}},
      {"Elu", [] { return activation("Elu", {real(0.75)}); }, {}},
      {"Equal", [] { return binary("Equal", kNumbers, {}, true); }, {}},
      {"ErfAny", [] { return unary("ErfAny", kFloats); }, {}},
      {"ExpAny", [] { return unary("ExpAny", kFloats); }, {}},
      {"Floor", [] { return unary("Floor", kFloats); }, {}},
      {"GeluAny", [] { return unary("GeluAny", kFloats, {text("tanh")}); }, {}},
      {"Greater", [] { return binary("Greater", kNumbers, {}, true); }, {}},
      {"GreaterOrEqual", [] { return binary("GreaterOrEqual", kNumbers, {}, true); }, {}},
      {"HardSigmoid",
       [] {
         return activation("HardSigmoid", {real(0.2), real(0.5)});
       },
       {}},
      {"HardSwish", [] { return activation("HardSwish"); }, {}},
      {"IsInf",
       [] {
         return unary("IsInf", kFloats, {integer(1), integer(0)}, true);
       },
       {}},
      {"IsNaN", [] { return unary("IsNaN", kFloats, {}, true); }, {}},
      {"LabelEncoder", encoder_cases, {}},
      {"LeakyRelu", [] { return activation("LeakyRelu", {real(0.75)}); }, {}},
      {"Less", [] { return binary("Less", kNumbers, {}, true); }, {}},
      {"LessOrEqual", [] { return binary("LessOrEqual", kNumbers, {}, true); }, {}},
      {"LogAny", [] { return unary("LogAny", kFloats); }, {}},
      {"Max", [] { return binary("Max", kNumbers); }, {}},
      {"Min", [] { return binary("Min", kNumbers); }, {}},
      {"Mish", [] { return activation("Mish"); }, {}},
      {"Mod", [] { return binary("Mod", kNumbers, {integer(0)}); }, {}},
      {"MulAny", [] { return binary("MulAny", kNumbers); }, {}},
      {"NegAny", [] { return unary("NegAny", kSigned); }, {}},
      {"Not", [] { return unary("Not", kBools); }, {}},
      {"Or", [] { return binary("Or", kBools); }, {}},
      {"PRelu", slope_cases, {}},
      {"PowAny", pow_cases, {}},
      {"ReciprocalAny", [] { return unary("ReciprocalAny", kFloats); }, {}},
      {"ReluAny", [] { return unary("ReluAny", kNumbers); }, {}},
      {"Round", [] { return unary("Round", kFloats); }, {}},
      {"Selu",
       [] {
         return activation("Selu", {real(1.75), real(1.05)});
       },
       {}},
      {"Shrink",
       [] {
         return unary("Shrink", kNumbers, {real(0.5), real(2)});
       },
       {}},
      {"SigmoidAny", [] { return unary("SigmoidAny", kFloats); }, {}},
      {"Sign", [] { return unary("Sign", kNumbers); }, {}},
      {"Sin", [] { return unary("Sin", kFloats); }, {}},
      {"Sinh", [] { return unary("Sinh", kFloats); }, {}},
      {"SoftplusAny", [] { return unary("SoftplusAny", kFloats); }, {}},
      {"Softsign", [] { return unary("Softsign", kFloats); }, {}},
      {"SqrtAny", [] { return unary("SqrtAny", kFloats); }, {}},
      {"SubAny", [] { return binary("SubAny", kNumbers); }, {}},
      {"SwiGLU", [] { return same_shape("SwiGLU", kFloats, {real(1)}); }, {}},
      {"SwishAny", [] { return one_real("SwishAny"); }, {}},
      {"Tan", [] { return unary("Tan", kFloats); }, {}},
      {"TanhAny", [] { return unary("TanhAny", kFloats); }, {}},
      {"ThresholdedRelu", [] { return one_real("ThresholdedRelu"); }, {}},
      {"WhereAny", where_any_cases, {}},
      {"Xor", [] { return binary("Xor", kBools); }, {}},
  };
}

}  // namespace lathe::parity
