#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "passes/before_expected.h"
#include "support/code_constants.h"

namespace lathe {
namespace {

/// Functions of codes, numbers and single constants, in double precision.
std::optional<std::vector<ConstantData>> evaluate(const Node& node, std::span<const TensorView> inputs,
                                                  std::span<const ValueType> types) {
  const auto number = [&](std::size_t input, std::size_t i) -> double {
    const TensorView& view = inputs[input];
    const std::size_t at = element_count(view.shape) == 1 ? 0 : i;
    if (view.dtype == Dtype::u8) return std::to_integer<std::uint8_t>(view.data[at]);
    if (view.dtype == Dtype::i8) return std::to_integer<std::int8_t>(view.data[at]);
    float real = 0;
    std::memcpy(&real, view.data + at * sizeof real, sizeof real);
    return static_cast<double>(real);
  };
  const auto count = static_cast<std::size_t>(types[0].dims.empty() ? 1 : types[0].dims[0].value);
  const auto bytes = std::make_shared<std::vector<std::byte>>(count * sizeof(float));
  const auto op = node.op->name;
  for (std::size_t i = 0; i < count; ++i) {
    double value = number(0, i);
    if (op == "DequantizeLinear") value = (value - number(2, i)) * number(1, i);
    if (op == "Sigmoid") value = 1 / (1 + std::exp(-value));
    if (op == "Mul") value *= number(1, i);
    if (op == "Add") value += number(1, i);
    if (op == "QuantizeLinear") {
      const double least = types[0].dtype == Dtype::i8 ? -128 : 0;
      const double code = std::nearbyint(value / number(1, i)) + number(2, i);
      (*bytes)[i] = static_cast<std::byte>(static_cast<int>(std::clamp(code, least, least + 255)));
      continue;
    }
    const auto real = static_cast<float>(value);
    std::memcpy(bytes->data() + i * sizeof real, &real, sizeof real);
  }
  Shape shape;
  for (const auto& dim : types[0].dims) shape.push_back(dim.value);
  return std::vector<ConstantData>{{{bytes->data(), types[0].dtype, shape}, bytes}};
}

PassContext with_evaluator() {
  PassContext context;
  context.evaluate = evaluate;
  return context;
}

constexpr std::string_view kGiven = R"(
  %x: i8[N, 4, 9] = input
  %s: f32[] = constant "0.05"
  %t: f32[1] = constant "0.00390625"
  %z: u8[] = constant "3"
  %i: i8[] = constant "-3"
  %half: f32[1, 1] = constant "0.5"
)";

void expect_table(const std::string& before, const std::string& expected) {
  SCOPED_TRACE(before);
  expect_rewrite(tabulate_codes, "graph g {" + std::string(kGiven) + before + "}",
                 "graph g {" + std::string(kGiven) + expected + "}", with_evaluator(), test::code_constant);
}

const std::string kSwish = R"(
    %d: f32[N, 4, 9] = DequantizeLinear(%x, %s, %i)
    %e: f32[N, 4, 9] = Sigmoid(%d)
    %q: u8[N, 4, 9] = QuantizeLinear(%e, %t, %z)
    %f: f32[N, 4, 9] = DequantizeLinear(%q, %t, %z)
    %g: f32[N, 4, 9] = Mul(%d, %f)
    %y: i8[N, 4, 9] = QuantizeLinear(%g, %s, %i)
    return y = %y)";

TEST(TabulateCodes, FunctionsOfOneTensorWithCodesBetween) {
  expect_table(kSwish, R"(
    %table: i8[256] = constant "y.table"
    %y: i8[N, 4, 9] = MapCodes(%x, %table)
    return y = %y)");
}

TEST(TabulateCodes, HasWhatTheNodesMakeOfEachCode) {
  Graph graph = parse_graph("graph g {" + std::string(kGiven) + kSwish + "}", test::code_constant);
  ASSERT_TRUE(tabulate_codes(graph, with_evaluator()));
  const TensorView& table = graph.value(graph.nodes.at(0).inputs.at(1)).data;
  for (int code = -128; code < 128; ++code) {
    const double x = (code + 3) * static_cast<double>(0.05f);
    const double gate = std::clamp(std::nearbyint(256 / (1 + std::exp(-x))), -3.0, 252.0) / 256;
    const double expected = std::clamp(x * gate / static_cast<double>(0.05f) - 3, -128.0, 127.0);
    const auto found = std::to_integer<std::int8_t>(table.data[static_cast<std::uint8_t>(code)]);
    EXPECT_NEAR(static_cast<double>(found), expected, 0.5 + 1e-5) << code;
  }
}

TEST(TabulateCodes, ChangesOfScaleAndSingleConstants) {
  expect_table(R"(
    %d: f32[N, 4, 9] = DequantizeLinear(%x, %s, %i)
    %y: u8[N, 4, 9] = QuantizeLinear(%d, %t, %z)
    return y = %y)",
               R"(
    %table: u8[256] = constant "y.table"
    %y: u8[N, 4, 9] = MapCodes(%x, %table)
    return y = %y)");
  expect_table(R"(
    %d: f32[N, 4, 9] = DequantizeLinear(%x, %s, %i)
    %e: f32[N, 4, 9] = Add(%d, %half)
    %y: u8[N, 4, 9] = QuantizeLinear(%e, %t, %z)
    return y = %y, e = %e)",
               R"(
    %table: u8[256] = constant "y.table"
    %d: f32[N, 4, 9] = DequantizeLinear(%x, %s, %i)
    %e: f32[N, 4, 9] = Add(%d, %half)
    %y: u8[N, 4, 9] = MapCodes(%x, %table)
    return y = %y, e = %e)");
}

TEST(TabulateCodes, LeavesWhatDependsOnMore) {
  const std::string graph = R"(
    %other: i8[N, 4, 9] = input
    %real: f32[N, 4, 9] = input
    %channels: f32[4, 1] = constant "random channels"
    %d: f32[N, 4, 9] = DequantizeLinear(%x, %s, %i)
    %o: f32[N, 4, 9] = DequantizeLinear(%other, %s, %i)
    %a: f32[N, 4, 9] = Add(%d, %o)
    %b: f32[N, 4, 9] = Mul(%d, %channels)
    %c: f32[N, 4, 9] = Mul(%d, %real)
    %e: f32[N, 4, 9] = Softmax(%d)
    %qa: i8[N, 4, 9] = QuantizeLinear(%a, %s, %i)
    %qb: i8[N, 4, 9] = QuantizeLinear(%b, %s, %i)
    %qc: i8[N, 4, 9] = QuantizeLinear(%c, %s, %i)
    %qe: i8[N, 4, 9] = QuantizeLinear(%e, %s, %i)
    %qr: i8[N, 4, 9] = QuantizeLinear(%real, %s, %i)
    return qa = %qa, qb = %qb, qc = %qc, qe = %qe, qr = %qr)";
  expect_table(graph, graph);
}

}  // namespace
}  // namespace lathe
