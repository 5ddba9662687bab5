// The portable kernels of ONNX's ops on arrays against plain double-precision formulas that share nothing
// with them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>

#include "graph/text_lists.h"
#include "parity/rows.h"

namespace lathe::parity {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// What an output should be, and how far off it may be.
struct Expected {
  double value;
  double tolerance;
};

/// Index by axis of element `i`, row-major.
Shape index_of(const Shape& shape, std::int64_t i) {
  Shape index(shape.size());
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    index[axis] = i % shape[axis];
    i /= shape[axis];
  }
  return index;
}

std::int64_t offset_of(const Shape& shape, const Shape& index) {
  std::int64_t offset = 0;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) offset = offset * shape[axis] + index[axis];
  return offset;
}

/// The element of an input that broadcasts to the output's `index`.
double broadcast_at(const Tensor& tensor, const Shape& index) {
  Shape own(index.end() - static_cast<std::ptrdiff_t>(tensor.dims.size()), index.end());
  for (std::size_t axis = 0; axis < own.size(); ++axis)
    if (tensor.dims[axis] == 1) own[axis] = 0;
  const auto offset = offset_of(tensor.dims, own);
  return tensor.dtype == Dtype::i8 ? static_cast<double>(tensor.as<std::int8_t>()[offset])
                                   : static_cast<double>(tensor.as<float>()[offset]);
}

Expected relative(double value, double tolerance) { return {value, std::abs(value) * tolerance + 1e-37}; }

using Reference = std::function<Expected(const Case& test, const Shape& index)>;

Reference element(double (*function)(double), double tolerance) {
  return [=](const Case& test, const Shape& index) {
    return relative(function(broadcast_at(test.inputs[0], index)), tolerance);
  };
}

Reference pair(double (*function)(double, double), double tolerance) {
  return [=](const Case& test, const Shape& index) {
    return relative(function(broadcast_at(test.inputs[0], index), broadcast_at(test.inputs[1], index)),
                    tolerance);
  };
}

/// A function with up to two attributes; what overflows float32 is infinite.
Reference activation(double (*function)(double x, double alpha, double beta), double tolerance) {
  return [=](const Case& test, const Shape& index) {
    const auto attribute = [&test](std::size_t i) {
      return i < test.attributes.size() ? test.attributes[i].real : 0;
    };
    const double value = function(broadcast_at(test.inputs[0], index), attribute(0), attribute(1));
    Expected expected = relative(static_cast<double>(static_cast<float>(value)), tolerance);
    expected.tolerance += 2e-36;  // an exponential below the normal numbers is 0
    return expected;
  };
}

Expected slope_below_zero(const Case& test, const Shape& index) {
  const double x = broadcast_at(test.inputs[0], index);
  const double value = x < 0 ? x * broadcast_at(test.inputs[1], index) : x;
  return relative(static_cast<double>(static_cast<float>(value)), 1e-7);
}

/// Rounded in front of the sum, which takes away most of it at the ends.
Expected hard_sigmoid(const Case& test, const Shape& index) {
  const double x = broadcast_at(test.inputs[0], index);
  const double a = test.attributes[0].real;
  const double b = test.attributes[1].real;
  const double value = x != x ? x : std::clamp(a * x + b, 0.0, 1.0);
  const bool is_cut = a * x + b > 2 || a * x + b < -1;
  return {value, is_cut ? 0 : 3e-7 * (1 + std::abs(b))};
}

Expected hard_swish(const Case& test, const Shape& index) {
  const double x = broadcast_at(test.inputs[0], index);
  const bool is_cut = std::abs(x) > 4;
  return {x * std::clamp(x / 6 + 0.5, 0.0, 1.0), is_cut || x != x ? 0 : 1e-6};
}

Expected clip(const Case& test, const Shape& index) {
  constexpr double kNone = std::numeric_limits<float>::max();
  double x = broadcast_at(test.inputs[0], index);
  if (test.attributes[0].real > -kNone && x < test.attributes[0].real) x = test.attributes[0].real;
  if (test.attributes[1].real < kNone && x > test.attributes[1].real) x = test.attributes[1].real;
  return {x, 0};
}

Expected where(const Case& test, const Shape& index) {
  return {broadcast_at(test.inputs[broadcast_at(test.inputs[0], index) != 0 ? 1 : 2], index), 0};
}

Expected transpose(const Case& test, const Shape& index) {
  const auto& from = test.inputs[0];
  const auto permutation = parse_permutation(test.attributes[0].text, from.dims.size()).value();
  Shape source(index.size());
  for (std::size_t i = 0; i < index.size(); ++i) source[permutation[i]] = index[i];
  return {from.as<float>()[offset_of(from.dims, source)], 0};
}

/// x along its axis at `index`, and the greatest of it.
std::pair<std::vector<double>, double> row_of(const Case& test, Shape index) {
  const auto& x = test.inputs[0];
  const auto rank = static_cast<std::int64_t>(x.dims.size());
  const auto axis = static_cast<std::size_t>((test.attributes[0].integer + rank) % rank);
  std::pair<std::vector<double>, double> row{{}, -kInfinity};
  for (index[axis] = 0; index[axis] < x.dims[axis]; ++index[axis]) {
    row.first.push_back(broadcast_at(x, index));
    row.second = std::max(row.second, row.first.back());
  }
  return row;
}

Expected softmax(const Case& test, const Shape& index) {
  const auto [row, greatest] = row_of(test, index);
  double sum = 0;
  for (const double x : row) sum += std::exp(x - greatest);
  return {std::exp(broadcast_at(test.inputs[0], index) - greatest) / sum, 2e-6};
}

Expected log_softmax(const Case& test, const Shape& index) {
  const auto [row, greatest] = row_of(test, index);
  double sum = 0;
  for (const double x : row) sum += std::exp(x - greatest);
  const double value = broadcast_at(test.inputs[0], index) - greatest - std::log(sum);
  return {value, std::abs(value) * 1e-6 + 1e-6};
}

/// The elements that are reduced into `index`.
std::vector<double> reduced_at(const Case& test, const Shape& index) {
  const auto& x = test.inputs[0];
  const auto axes = parse_axes(test.attributes[0].text, x.dims.size()).value();
  std::vector<double> values;
  for (std::int64_t i = 0; i < element_count(x.dims); ++i) {
    const Shape own = index_of(x.dims, i);
    Shape kept;
    for (std::size_t axis = 0; axis < own.size(); ++axis) {
      if (!std::ranges::binary_search(axes, axis))
        kept.push_back(own[axis]);
      else if (test.attributes[1].integer == 1)
        kept.push_back(0);
    }
    if (kept == index) values.push_back(x.as<float>()[i]);
  }
  return values;
}

Reference reduction(double (*function)(const std::vector<double>&)) {
  return [=](const Case& test, const Shape& index) {
    const auto values = reduced_at(test, index);
    double magnitude = 0;
    for (const double value : values) magnitude += std::abs(value) + value * value;
    return Expected{function(values), magnitude * 1e-6 + 1e-6};
  };
}

double sum_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum;
}

template <class Function>
std::vector<double> each(std::vector<double> values, Function function) {
  for (auto& value : values) value = function(value);
  return values;
}

double sum_of_squares(const std::vector<double>& values) {
  return sum_of(each(values, [](double x) { return x * x; }));
}

Expected mat_mul(const Case& test, const Shape& index) {
  const auto& a = test.inputs[0];
  const auto& b = test.inputs[1];
  Shape batch = index;
  const std::int64_t column = b.dims.size() > 1 ? batch.back() : 0;
  if (b.dims.size() > 1) batch.pop_back();
  const std::int64_t row = a.dims.size() > 1 ? batch.back() : 0;
  if (a.dims.size() > 1) batch.pop_back();
  double sum = 0;
  double magnitude = 0;
  for (std::int64_t k = 0; k < a.dims.back(); ++k) {
    Shape left = batch;
    if (a.dims.size() > 1) left.push_back(row);
    left.push_back(k);
    Shape right = batch;
    right.push_back(k);
    if (b.dims.size() > 1) right.push_back(column);
    const double product = broadcast_at(a, left) * broadcast_at(b, right);
    sum += product;
    magnitude += std::abs(product);
  }
  return {sum, magnitude * 1e-6};
}

Expected attention(const Case& test, const Shape& index) {
  const auto& q = test.inputs[0];
  const auto& k = test.inputs[1];
  const auto& v = test.inputs[2];
  const std::int64_t kv_head = index[1] / (q.dims[1] / k.dims[1]);
  const double given = test.attributes[1].real;
  const double scale = given > 0 ? given : 1 / std::sqrt(static_cast<double>(q.dims[3]));
  const double softcap = test.attributes[2].real;
  const bool causal = test.attributes[0].integer == 1;
  double sum = 0;
  double value = 0;
  double magnitude = 0;
  for (std::int64_t j = 0; j < (causal ? std::min(index[2] + 1, k.dims[2]) : k.dims[2]); ++j) {
    double score = 0;
    for (std::int64_t d = 0; d < q.dims[3]; ++d)
      score +=
          broadcast_at(q, {index[0], index[1], index[2], d}) * broadcast_at(k, {index[0], kv_head, j, d});
    score *= scale;
    if (softcap > 0) score = softcap * std::tanh(score / softcap);
    if (test.inputs.size() > 3) {
      const double mask = broadcast_at(test.inputs[3], {index[0], index[1], index[2], j});
      score = test.inputs[3].dtype == Dtype::f32 ? score + mask : (mask != 0 ? score : -kInfinity);
    }
    const double p = std::exp(score);
    sum += p;
    value += p * broadcast_at(v, {index[0], kv_head, j, index[3]});
    magnitude += std::abs(p * broadcast_at(v, {index[0], kv_head, j, index[3]}));
  }
  return {value / sum, magnitude / sum * 2e-5 + 1e-6};
}

const std::map<std::string_view, Reference>& references() {
  static const std::map<std::string_view, Reference> kReferences = {
      {"Abs", element([](double x) { return std::abs(x); }, 0)},
      {"Erf", element([](double x) { return std::erf(x); }, 3e-7)},
      {"Exp", element([](double x) { return std::exp(x); }, 2e-7)},
      {"Identity", element([](double x) { return x; }, 0)},
      {"Log", element([](double x) { return std::log(x); }, 1e-7)},
      {"Neg", element([](double x) { return -x; }, 0)},
      {"Reciprocal", element([](double x) { return 1 / x; }, 1e-7)},
      {"Relu", element([](double x) { return x < 0 ? 0 : x; }, 0)},
      {"Sigmoid", element([](double x) { return 1 / (1 + std::exp(-x)); }, 5e-7)},
      {"Softplus", element([](double x) { return std::log(1 + std::exp(x)); }, 1e-6)},
      {"Sqrt", element([](double x) { return std::sqrt(x); }, 1e-7)},
      {"Celu",
       activation([](double x, double a, double) { return x < 0 ? a * std::expm1(x / a) : x; }, 5e-7)},
      {"Elu", activation([](double x, double a, double) { return x < 0 ? a * std::expm1(x) : x; }, 5e-7)},
      {"HardSigmoid", hard_sigmoid},
      {"HardSwish", hard_swish},
      {"LeakyRelu", activation([](double x, double a, double) { return x < 0 ? a * x : x; }, 2e-7)},
      {"Mish",
       activation([](double x, double, double) { return x * std::tanh(std::log1p(std::exp(x))); }, 1e-6)},
      {"PRelu", slope_below_zero},
      {"Selu",
       activation([](double x, double a, double g) { return g * (x < 0 ? a * std::expm1(x) : x); }, 5e-7)},
      {"Add", pair([](double a, double b) { return a + b; }, 1e-7)},
      {"Mul", pair([](double a, double b) { return a * b; }, 1e-7)},
      {"Sub", pair([](double a, double b) { return a - b; }, 1e-7)},
      {"Div", pair([](double a, double b) { return a / b; }, 1e-7)},
      {"Pow", pair([](double a, double b) { return std::pow(a, b); }, 1e-7)},
      {"Clip", clip},
      {"Where", where},
      {"Expand", element([](double x) { return x; }, 0)},
      {"Transpose", transpose},
      {"Softmax", softmax},
      {"LogSoftmax", log_softmax},
      {"ReduceSum", reduction(sum_of)},
      {"ReduceMean",
       reduction([](const std::vector<double>& x) { return sum_of(x) / static_cast<double>(x.size()); })},
      {"ReduceMax", reduction([](const std::vector<double>& x) {
         return x.empty() ? -kInfinity : *std::max_element(x.begin(), x.end());
       })},
      {"ReduceMin", reduction([](const std::vector<double>& x) {
         return x.empty() ? kInfinity : *std::min_element(x.begin(), x.end());
       })},
      {"ReduceL1", reduction([](const std::vector<double>& x) {
         return sum_of(each(x, [](double y) { return std::abs(y); }));
       })},
      {"ReduceL2", reduction([](const std::vector<double>& x) { return std::sqrt(sum_of_squares(x)); })},
      {"ReduceSumSquare", reduction(sum_of_squares)},
      {"ReduceLogSum", reduction([](const std::vector<double>& x) { return std::log(sum_of(x)); })},
      {"ReduceLogSumExp", reduction([](const std::vector<double>& x) {
         return std::log(sum_of(each(x, [](double y) { return std::exp(y); })));
       })},
      {"MatMul", mat_mul},
      {"Attention", attention},
  };
  return kReferences;
}

class Arrays : public testing::TestWithParam<std::string_view> {};

TEST_P(Arrays, PortableIsClose) {
  const auto& reference = references().at(GetParam());
  int outputs = 0;
  for (const auto& kernel : kernels()) {
    if (kernel.op != GetParam() || !kernel.name.starts_with("portable.")) continue;
    for (const auto& test : cases_of(kernel.op)) {
      const auto& shape = test.outputs[0].dims;
      if (!accepts(kernel, test) || test.outputs[0].dtype != Dtype::f32 ||
          element_count(test.inputs[0].dims) > 9000)
        continue;
      const auto result = run(kernel, test, 1);
      for (std::int64_t i = 0; i < element_count(shape); i += sample_step(element_count(shape))) {
        const auto expected = reference(test, index_of(shape, i));
        const double actual = result[0].as<float>()[i];
        if (std::isnan(expected.value) || std::isinf(expected.value))
          ASSERT_TRUE(std::isnan(expected.value) ? std::isnan(actual) : actual == expected.value)
              << kernel.name << "[" << i << "]: " << test.name << ": " << actual << ", not "
              << expected.value;
        else
          ASSERT_NEAR(actual, expected.value, expected.tolerance)
              << kernel.name << "[" << i << "]: " << test.name;
        ++outputs;
      }
    }
  }
  EXPECT_GT(outputs, 0);
}

std::vector<std::string_view> reference_names() {
  std::vector<std::string_view> names;
  for (const auto& [name, reference] : references()) names.push_back(name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Ops, Arrays, testing::ValuesIn(reference_names()),
                         [](const auto& instance) { return std::string(instance.param); });

}  // namespace
}  // namespace lathe::parity
