// Cases of Add, Mul, Swish, Gelu and Tanh: every tail, every broadcast, in place and not, special values.
#include <cmath>
#include <limits>
#include <tuple>

#include "parity/rows.h"

namespace lathe::parity {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

const std::vector<Shape>& shapes() {
  static const std::vector<Shape> kShapes = {{1, 1},   {1, 31},   {2, 31},   {1, 576},   {7, 576},
                                             {16, 33}, {64, 640}, {512, 96}, {3, 5, 17}, {1, 20000}};
  return kShapes;
}

std::string describe(const Shape& shape, std::string_view what) {
  std::string text;
  for (const auto dim : shape) text += std::to_string(dim) + " ";
  return text + std::string(what);
}

std::vector<Case> binary_cases(std::string_view op) {
  Random random(1);
  std::vector<Case> cases;
  for (const auto& shape : shapes()) {
    for (const Shape& operand : {shape, Shape{1}, Shape{shape.back()}}) {
      for (const int alias : {-1, 0, 1}) {
        if (alias == 1 && operand != shape) continue;
        cases.push_back({describe(shape, "with ") + describe(operand, "alias ") + std::to_string(alias),
                         op,
                         {normal(random, shape), normal(random, operand)},
                         {empty(Dtype::f32, shape)},
                         {},
                         alias});
      }
    }
  }
  for (const auto& [a, b, y] : {std::tuple<Shape, Shape, Shape>{{2, 1, 3}, {4, 1}, {2, 4, 3}},
                                {{3, 1}, {1, 70}, {3, 70}},
                                {{5}, {}, {5}}})
    cases.push_back({describe(a, "broadcast with ") + describe(b, ""),
                     op,
                     {normal(random, a), normal(random, b)},
                     {empty(Dtype::f32, y)},
                     {},
                     -1});
  return cases;
}

std::vector<Case> unary_cases(std::string_view op, const std::vector<AttributeValue>& attributes = {}) {
  Random random(2);
  std::vector<Case> cases;
  for (const auto& shape : shapes())
    for (const int alias : {-1, 0})
      for (const float deviation : {1.0f, 40.0f})
        cases.push_back({describe(shape, "alias ") + std::to_string(alias),
                         op,
                         {normal(random, shape, deviation)},
                         {empty(Dtype::f32, shape)},
                         attributes,
                         alias});
  Case special{"special values", op, {normal(random, {1, 37})}, {empty(Dtype::f32, {1, 37})}, attributes, -1};
  const float values[] = {0.0f,   -0.0f, kInfinity, -kInfinity, kNan,   1e-40f, -1e-40f, 87.5f,
                          -87.5f, 89.0f, -89.0f,    1e30f,      -1e30f, 3e38f,  -3e38f};
  std::copy(std::begin(values), std::end(values), special.inputs[0].as<float>());
  std::copy(std::begin(values), std::end(values), special.inputs[0].as<float>() + 37 - std::size(values));
  cases.push_back(special);
  return cases;
}

}  // namespace

std::vector<Case> add_cases() { return binary_cases("Add"); }
std::vector<Case> mul_cases() { return binary_cases("Mul"); }
std::vector<Case> swish_cases() { return unary_cases("Swish"); }
std::vector<Case> gelu_cases() {
  auto cases = unary_cases("Gelu", {integer(0)});
  for (auto& test : unary_cases("Gelu", {integer(1)})) {
    test.name += " tanh form";
    cases.push_back(std::move(test));
  }
  return cases;
}
std::vector<Case> tanh_cases() { return unary_cases("Tanh"); }

}  // namespace lathe::parity
