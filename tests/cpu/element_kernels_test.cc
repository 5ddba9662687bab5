// Kernels that work element by element, on the numbers where types differ: wrapping, signs, NaN, rounding,
// and what is a fault.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "backend/backend.h"
#include "base/cpu_features.h"
#include "cpu/kernels.h"
#include "graph/graph.h"

namespace lathe {
namespace {

using testing::ElementsAre;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

template <class Element>
struct Array {
  Dtype dtype;
  std::vector<Element> elements;

  TensorArg argument() {
    return {
        elements.data(), {static_cast<std::int64_t>(elements.size())}, 1, static_cast<std::int32_t>(dtype)};
  }
  ValueType type() const { return {dtype, {static_cast<std::int64_t>(elements.size())}}; }
};

/// Runs the kernel that a plan would choose; the elements of its output, and whether it found a fault.
struct Outcome {
  std::vector<std::byte> bytes;
  bool fault = false;

  template <class Element>
  std::vector<Element> as() const {
    std::vector<Element> elements(bytes.size() / sizeof(Element));
    std::memcpy(elements.data(), bytes.data(), bytes.size());
    return elements;
  }
};

Outcome run_op(std::string_view op, std::vector<TensorArg> inputs, std::vector<ValueType> types, Dtype to,
               const std::vector<AttributeValue>& attributes = {}) {
  static const std::vector<Kernel> kKernels = cpu_kernels(detected_isa());
  Node node;
  node.op = find_op(op);
  std::int64_t count = 1;
  for (const auto& input : inputs) count = std::max(count, input.dims[0]);
  const std::vector<ValueType> outputs = {{to, {count}}};
  const Kernel* kernel = find_kernel(kKernels, {types, outputs, &node});
  if (kernel == nullptr) throw std::runtime_error("no kernel of " + std::string(op));
  Outcome outcome;
  outcome.bytes.resize(static_cast<std::size_t>(count) * info(to).block_bytes);
  const TensorArg output{outcome.bytes.data(), {count}, 1, static_cast<std::int32_t>(to)};
  std::int32_t fault = 0;
  KernelCall call{
      inputs.data(), &output, attributes.data(), nullptr, static_cast<std::int32_t>(inputs.size()), 0, 1};
  call.fault = &fault;
  kernel->run(call);
  outcome.fault = fault != 0;
  return outcome;
}

template <class A>
Outcome unary(std::string_view op, Array<A> x, Dtype to, const std::vector<AttributeValue>& attributes = {}) {
  return run_op(op, {x.argument()}, {x.type()}, to, attributes);
}

template <class A, class B>
Outcome binary(std::string_view op, Array<A> a, Array<B> b, Dtype to,
               const std::vector<AttributeValue>& attributes = {}) {
  return run_op(op, {a.argument(), b.argument()}, {a.type(), b.type()}, to, attributes);
}

template <class A>
Outcome cast(Array<A> x, Dtype to, bool saturates = true, const char* mode = "up") {
  return unary("Cast", std::move(x), to, {{.text = ""}, {.integer = saturates}, {.text = mode}});
}

constexpr std::int8_t kLeast8 = -128;
constexpr std::int32_t kLeast32 = std::numeric_limits<std::int32_t>::min();
constexpr std::int64_t kLeast64 = std::numeric_limits<std::int64_t>::min();

TEST(ElementArithmetic, WholeNumbersWrap) {
  const Array<std::int8_t> a{Dtype::i8, {127, kLeast8, 100}};
  const Array<std::int8_t> b{Dtype::i8, {1, -1, 3}};
  EXPECT_THAT(binary("AddAny", a, b, Dtype::i8).as<std::int8_t>(), ElementsAre(kLeast8, 127, 103));
  EXPECT_THAT(binary("MulAny", a, b, Dtype::i8).as<std::int8_t>(), ElementsAre(127, kLeast8, 44));
  EXPECT_THAT(unary("NegAny", a, Dtype::i8).as<std::int8_t>(), ElementsAre(-127, kLeast8, -100));
  EXPECT_THAT(unary("AbsAny", a, Dtype::i8).as<std::int8_t>(), ElementsAre(127, kLeast8, 100));
  const Array<std::uint16_t> most{Dtype::u16, {65535}};
  EXPECT_THAT(binary("MulAny", most, most, Dtype::u16).as<std::uint16_t>(), ElementsAre(1));
}

TEST(ElementArithmetic, DivisionGoesTowardZeroAndBreaksOnZero) {
  const Array<std::int32_t> a{Dtype::i32, {7, -7, kLeast32}};
  const auto quotient = binary("DivAny", a, Array<std::int32_t>{Dtype::i32, {-2, 2, -1}}, Dtype::i32);
  EXPECT_THAT(quotient.as<std::int32_t>(), ElementsAre(-3, -3, kLeast32));
  EXPECT_FALSE(quotient.fault);
  const Array<std::int32_t> zeros{Dtype::i32, {1, 0, 1}};
  EXPECT_TRUE(binary("DivAny", a, zeros, Dtype::i32).fault);
  EXPECT_TRUE(binary("Mod", a, zeros, Dtype::i32, {{.integer = 0}}).fault);
  const Array<float> real{Dtype::f32, {1}};
  const auto infinite = binary("DivAny", real, Array<float>{Dtype::f32, {0}}, Dtype::f32);
  EXPECT_THAT(infinite.as<float>(), ElementsAre(kInfinity));
  EXPECT_FALSE(infinite.fault);
}

TEST(ElementArithmetic, ModHasTheSignThatFmodSays) {
  const Array<std::int64_t> a{Dtype::i64, {-4, 7, 5, kLeast64}};
  const Array<std::int64_t> b{Dtype::i64, {3, -3, 8, -1}};
  EXPECT_THAT(binary("Mod", a, b, Dtype::i64, {{.integer = 0}}).as<std::int64_t>(), ElementsAre(2, -2, 5, 0));
  EXPECT_THAT(binary("Mod", a, b, Dtype::i64, {{.integer = 1}}).as<std::int64_t>(), ElementsAre(-1, 1, 5, 0));
}

TEST(ElementArithmetic, NanIsGreatestAndLeast) {
  const Array<float> a{Dtype::f32, {kNan, 1, 2}};
  const Array<float> b{Dtype::f32, {1, kNan, 3}};
  for (const auto* op : {"Max", "Min"}) {
    const auto result = binary(op, a, b, Dtype::f32).as<float>();
    EXPECT_TRUE(std::isnan(result[0]) && std::isnan(result[1])) << op;
    EXPECT_EQ(result[2], op == std::string_view("Max") ? 3 : 2);
  }
}

TEST(ElementArithmetic, PowersOfWholeNumbersAreExact) {
  const Array<std::int64_t> base{Dtype::i64, {3, -1, 2, 1}};
  const Array<std::int32_t> exponent{Dtype::i32, {39, -3, -1, -5}};
  EXPECT_THAT(binary("PowAny", base, exponent, Dtype::i64).as<std::int64_t>(),
              ElementsAre(4052555153018976267, -1, 0, 1));
  const Array<std::int64_t> zero{Dtype::i64, {0}};
  EXPECT_TRUE(binary("PowAny", zero, Array<std::int32_t>{Dtype::i32, {-1}}, Dtype::i64).fault);
  const Array<std::int32_t> whole{Dtype::i32, {2, 10}};
  EXPECT_THAT(binary("PowAny", whole, Array<float>{Dtype::f32, {0.5F, 2}}, Dtype::i32).as<std::int32_t>(),
              ElementsAre(1, 100));
}

TEST(ElementBits, ShiftsBeyondTheWidthLeaveTheSign) {
  const Array<std::int32_t> x{Dtype::i32, {-8, -8, 5, 1}};
  const Array<std::int32_t> by{Dtype::i32, {1, 32, -1, 31}};
  EXPECT_THAT(binary("BitShift", x, by, Dtype::i32, {{.text = "RIGHT"}}).as<std::int32_t>(),
              ElementsAre(-4, -1, 0, 0));
  EXPECT_THAT(binary("BitShift", x, by, Dtype::i32, {{.text = "LEFT"}}).as<std::int32_t>(),
              ElementsAre(-16, 0, 0, kLeast32));
}

TEST(ElementCast, WholeNumbersLoseTheirHigherBits) {
  const Array<std::int16_t> x{Dtype::i16, {200, -1, 0x135}};
  EXPECT_THAT(cast(x, Dtype::i8).as<std::int8_t>(), ElementsAre(-56, -1, 0x35));
  EXPECT_THAT(cast(x, Dtype::u64).as<std::uint64_t>(), ElementsAre(200U, ~std::uint64_t{0}, 0x135U));
  EXPECT_THAT(cast(x, Dtype::i4).as<std::int8_t>(), ElementsAre(-8, -1, 5));
  EXPECT_THAT(cast(x, Dtype::u2).as<std::int8_t>(), ElementsAre(0, 3, 1));
  EXPECT_THAT(cast(x, Dtype::boolean).as<std::uint8_t>(), ElementsAre(1, 1, 1));
}

TEST(ElementCast, WholeNumbersOf64BitsAreRoundedOnce) {
  const Array<std::uint64_t> x{Dtype::u64, {~std::uint64_t{0}, (std::uint64_t{1} << 24) + 1}};
  EXPECT_THAT(cast(x, Dtype::f32).as<float>(), ElementsAre(0x1p64F, 0x1p24F));
  EXPECT_THAT(cast(x, Dtype::f64).as<double>(), ElementsAre(0x1p64, 0x1.000001p24));
}

TEST(ElementCast, DoublesAreRoundedToHalvesOnce) {
  // A float of the first would be exactly between two halves, and rounds down to the even one.
  const Array<double> x{Dtype::f64, {1 + 0x1p-11 + 0x1p-40, 1 + 0x1p-11, 1e300, -65504}};
  EXPECT_THAT(cast(x, Dtype::f16).as<std::uint16_t>(), ElementsAre(0x3c01, 0x3c00, 0x7c00, 0xfbff));
}

TEST(ElementCast, FloatsLoseTheirFraction) {
  const Array<float> x{Dtype::f32, {2.9F, -2.9F, -1.0F}};
  EXPECT_THAT(cast(x, Dtype::i32).as<std::int32_t>(), ElementsAre(2, -2, -1));
  EXPECT_THAT(cast(x, Dtype::u8).as<std::uint8_t>(), ElementsAre(2, 254, 255));
  EXPECT_THAT(cast(Array<float>{Dtype::f32, {0.5F, -0.0F, kNan}}, Dtype::boolean).as<std::uint8_t>(),
              ElementsAre(1, 0, 1));
}

TEST(ElementCast, EveryCodeOfASmallFloatComesBack) {
  std::vector<std::uint8_t> codes(256);
  for (std::size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<std::uint8_t>(i);
  for (const auto dtype :
       {Dtype::f8e4m3fn, Dtype::f8e4m3fnuz, Dtype::f8e5m2, Dtype::f8e5m2fnuz, Dtype::f8e8m0}) {
    const auto reals = cast(Array<std::uint8_t>{dtype, codes}, Dtype::f64).as<double>();
    const auto back = cast(Array<double>{Dtype::f64, reals}, dtype, false).as<std::uint8_t>();
    int numbers = 0;
    for (std::size_t i = 0; i < codes.size(); ++i) {
      if (std::isnan(reals[i])) continue;
      EXPECT_EQ(back[i], codes[i]) << info(dtype).name << " " << reals[i];
      ++numbers;
    }
    EXPECT_GE(numbers, 250) << info(dtype).name;
  }
}

TEST(ElementCast, SmallFloatsSaturateOrNot) {
  const Array<float> x{Dtype::f32, {464, 465, kInfinity, -1e9F, -1e-9F}};
  EXPECT_THAT(cast(x, Dtype::f8e4m3fn).as<std::uint8_t>(), ElementsAre(0x7e, 0x7e, 0x7e, 0xfe, 0x80));
  EXPECT_THAT(cast(x, Dtype::f8e4m3fn, false).as<std::uint8_t>(), ElementsAre(0x7e, 0x7f, 0x7f, 0xff, 0x80));
  EXPECT_THAT(cast(x, Dtype::f8e4m3fnuz).as<std::uint8_t>(), ElementsAre(0x7f, 0x7f, 0x7f, 0xff, 0));
  EXPECT_THAT(cast(x, Dtype::f8e5m2, false).as<std::uint8_t>(), ElementsAre(0x5f, 0x5f, 0x7c, 0xfc, 0x80));
  EXPECT_THAT(cast(x, Dtype::f4e2m1, false).as<std::uint8_t>(), ElementsAre(7, 7, 7, 15, 8));
}

TEST(ElementCast, PowersOfTwoRoundAsAsked) {
  const Array<float> x{Dtype::f32, {1.5F, 1.25F, 4, 0, kInfinity, kNan}};
  EXPECT_THAT(cast(x, Dtype::f8e8m0, true, "up").as<std::uint8_t>(), ElementsAre(128, 128, 129, 0, 254, 255));
  EXPECT_THAT(cast(x, Dtype::f8e8m0, true, "down").as<std::uint8_t>(),
              ElementsAre(127, 127, 129, 0, 254, 255));
  EXPECT_THAT(cast(x, Dtype::f8e8m0, false, "nearest").as<std::uint8_t>(),
              ElementsAre(128, 127, 129, 255, 255, 255));
}

TEST(ElementCast, BitsOfATruthValueMustBeOne) {
  const auto result =
      unary("BitCast", Array<std::uint8_t>{Dtype::u8, {0, 1, 2}}, Dtype::boolean, {{.text = ""}});
  EXPECT_TRUE(result.fault);
  EXPECT_THAT(result.as<std::uint8_t>(), ElementsAre(0, 1, 1));
}

TEST(ElementFunctions, NanStaysAndEndsAreRight) {
  const Array<float> x{Dtype::f32, {kNan, -kInfinity, kInfinity}};
  for (const auto* op : {"ReluAny", "SigmoidAny", "SoftplusAny", "Sign", "AbsAny", "Round", "Elu"}) {
    const auto result = unary(op, x, Dtype::f32, {{.real = 1}}).as<float>();
    EXPECT_TRUE(std::isnan(result[0])) << op;
    EXPECT_FALSE(std::isnan(result[1]) || std::isnan(result[2])) << op;
  }
  EXPECT_THAT(unary("Round", Array<float>{Dtype::f32, {0.5F, 1.5F, -2.5F}}, Dtype::f32).as<float>(),
              ElementsAre(0, 2, -2));
  EXPECT_THAT(unary("IsInf", x, Dtype::boolean, {{.integer = 0}, {.integer = 1}}).as<std::uint8_t>(),
              ElementsAre(0, 0, 1));
}

TEST(ElementTables, AnIndexOutOfRangeIsAFault) {
  Array<float> x{Dtype::f32, {5, 6, 7}};
  Array<std::int64_t> indices{Dtype::i64, {2, 0, 3}};
  const auto beyond = binary("ArrayFeatureExtractor", x, indices, Dtype::f32);
  EXPECT_TRUE(beyond.fault);
  EXPECT_THAT(beyond.as<float>(), ElementsAre(7, 5, 0));
  indices.elements[2] = -1;
  EXPECT_TRUE(binary("ArrayFeatureExtractor", x, indices, Dtype::f32).fault);
  indices.elements[2] = 1;
  EXPECT_FALSE(binary("ArrayFeatureExtractor", x, indices, Dtype::f32).fault);
}

TEST(ElementTables, TheLastEqualKeyCounts) {
  Array<float> x{Dtype::f32, {1, kNan, 4, 2}};
  Array<float> keys{Dtype::f32, {1, 2, kNan, 1}};
  Array<std::int64_t> values{Dtype::i64, {10, 20, 30, 40}};
  Array<std::int64_t> otherwise{Dtype::i64, {-1}};
  const auto result =
      run_op("LabelEncoder", {x.argument(), keys.argument(), values.argument(), otherwise.argument()},
             {x.type(), keys.type(), values.type(), otherwise.type()}, Dtype::i64);
  EXPECT_THAT(result.as<std::int64_t>(), ElementsAre(40, 30, -1, 20));
}

}  // namespace
}  // namespace lathe
