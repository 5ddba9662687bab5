#include "parity/rows_arrays.h"

#include <algorithm>
#include <limits>

#include "graph/text_lists.h"

namespace lathe::parity {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::string describe(const Shape& shape) { return "[" + integers_text(shape) + "] "; }

Dims dims_of(const Shape& shape) { return {shape.begin(), shape.end()}; }

Shape broadcast_shape(const Shape& a, const Shape& b) {
  Shape result;
  const auto dims = broadcast(dims_of(a), dims_of(b)).value();
  for (const auto& dim : dims) result.push_back(dim.value);
  return result;
}

/// Values of [low, 4).
Tensor uniform(Random& random, const Shape& shape, float low) {
  Tensor tensor = empty(Dtype::f32, shape);
  std::uniform_real_distribution<float> distribution(low, 4);
  for (std::int64_t i = 0; i < element_count(shape); ++i) tensor.as<float>()[i] = distribution(random);
  return tensor;
}

/// About two of three are not 0.
Tensor conditions(Random& random, const Shape& shape) {
  Tensor tensor = empty(Dtype::i8, shape);
  for (auto& byte : tensor.bytes) byte = static_cast<std::byte>(random() % 3);
  return tensor;
}

const std::vector<Shape>& shapes() {
  static const std::vector<Shape> kShapes = {
      {},           {1},       {37},       {0, 3},          {2, 31},
      {3, 5, 17},   {1, 9000}, {70, 130},  {2, 3, 4, 5},    {2, 1, 3, 1, 2, 5},
      {2, 5, 0, 4}, {7, 1},    {4, 1, 64}, {1, 1, 1, 1, 6}, {33, 3}};
  return kShapes;
}

std::vector<std::pair<Shape, Shape>> broadcast_pairs() {
  return {{{2, 3}, {2, 3}},
          {{2, 3}, {3}},
          {{3}, {2, 3}},
          {{2, 1}, {1, 3}},
          {{2, 3}, {}},
          {{}, {2, 3}},
          {{}, {}},
          {{4, 1, 3}, {2, 1}},
          {{1}, {5, 1, 2}},
          {{0, 3}, {1, 3}},
          {{2, 1, 4, 1}, {3, 1, 5}},
          {{130, 1, 70}, {1, 2, 1}},
          {{2, 1}, {2, 3}},
          {{1, 2, 1, 3, 1, 2}, {2, 1, 2, 1, 3, 1}},
          {{2, 24, 5, 7}, {24, 1, 1}},
          {{37, 40}, {37, 1}},
          {{1, 33}, {3, 40, 33}},
          {{2, 5, 17}, {2, 1, 17}}};
}

}  // namespace

std::vector<Case> element_cases(std::string_view op, float low) {
  Random random(41);
  std::vector<Case> cases;
  for (const auto& shape : shapes())
    for (const int alias : {-1, 0})
      cases.push_back({describe(shape) + "alias " + std::to_string(alias),
                       op,
                       {uniform(random, shape, low)},
                       {empty(Dtype::f32, shape)},
                       {},
                       alias});
  Case special{"special values", op, {uniform(random, {5}, low)}, {empty(Dtype::f32, {5})}, {}, -1};
  const float values[] = {0.0f, -0.0f, kInfinity, -kInfinity, std::numeric_limits<float>::quiet_NaN()};
  std::copy(std::begin(values), std::end(values), special.inputs[0].as<float>());
  cases.push_back(std::move(special));
  return cases;
}

std::vector<Case> clip_cases() {
  std::vector<Case> cases;
  constexpr double kNone = std::numeric_limits<float>::max();
  for (const auto& [low, high] :
       {std::pair{-1.0, 2.0}, {0.0, 0.0}, {-kNone, 1.0}, {-1.0, kNone}, {-kNone, kNone}})
    for (auto& test : element_cases("Clip")) {
      test.attributes = {real(low), real(high)};
      cases.push_back(std::move(test));
    }
  return cases;
}

std::vector<Case> identity_cases() {
  Random random(50);
  auto cases = element_cases("Identity");
  cases.push_back({"i8", "Identity", {conditions(random, {7, 33})}, {empty(Dtype::i8, {7, 33})}, {}, -1});
  return cases;
}

std::vector<Case> broadcast_cases(std::string_view op) {
  Random random(42);
  std::vector<Case> cases;
  for (const auto& [a, b] : broadcast_pairs())
    cases.push_back({describe(a) + "with " + describe(b),
                     op,
                     {uniform(random, a, op == "Pow" ? 0.01f : -4), uniform(random, b, -4)},
                     {empty(Dtype::f32, broadcast_shape(a, b))},
                     {},
                     -1});
  return cases;
}

std::vector<Case> where_cases() {
  Random random(43);
  std::vector<Case> cases;
  for (const auto& [a, b] : broadcast_pairs())
    for (const auto& condition : {a, b, broadcast_shape(a, b), Shape{1}})
      cases.push_back({describe(condition) + "of " + describe(a) + "and " + describe(b),
                       "Where",
                       {conditions(random, condition), uniform(random, a, -4), uniform(random, b, -4)},
                       {empty(Dtype::f32, broadcast_shape(condition, broadcast_shape(a, b)))},
                       {},
                       -1});
  return cases;
}

std::vector<Case> expand_cases() {
  Random random(44);
  std::vector<Case> cases;
  for (const auto& [a, b] : broadcast_pairs())
    cases.push_back({describe(a) + "to " + describe(b),
                     "Expand",
                     {uniform(random, a, -4)},
                     {empty(Dtype::f32, broadcast_shape(a, b))},
                     {text("")},  // the kernel goes by the output's shape
                     -1});
  return cases;
}

std::vector<Case> transpose_cases() {
  const std::vector<std::pair<Shape, const char*>> kCases = {
      {{}, ""},
      {{5}, "0"},
      {{7, 3}, ""},
      {{7, 3}, "1, 0"},
      {{7, 3}, "0,1"},
      {{2, 3, 5, 4}, "0, 2, 1, 3"},
      {{2, 3, 5, 4}, "0, 1, 3, 2"},
      {{2, 3, 5, 4}, ""},
      {{0, 3}, "1, 0"},
      {{130, 70}, "1, 0"},
      {{2, 1, 3, 2, 1, 2}, "5, 3, 1, 0, 2, 4"},
  };
  Random random(45);
  std::vector<Case> cases;
  for (const auto& [shape, permutation] : kCases) {
    Shape to;
    const auto axes = parse_permutation(permutation, shape.size()).value();
    for (const auto axis : axes) to.push_back(shape[axis]);
    cases.push_back({describe(shape) + "by " + permutation,
                     "Transpose",
                     {uniform(random, shape, -4)},
                     {empty(Dtype::f32, to)},
                     {text(permutation)},
                     -1});
  }
  return cases;
}

std::vector<Case> softmax_cases(std::string_view op) {
  Random random(46);
  std::vector<Case> cases;
  for (const auto& shape : shapes())
    for (auto axis = -static_cast<std::int64_t>(shape.size()); axis < static_cast<std::int64_t>(shape.size());
         ++axis)
      for (const int alias : {-1, 0}) {
        cases.push_back({describe(shape) + "axis " + std::to_string(axis),
                         op,
                         {normal(random, shape, 8)},
                         {empty(Dtype::f32, shape)},
                         {integer(axis)},
                         alias});
      }
  Case masked{"masked", op, {normal(random, {2, 20})}, {empty(Dtype::f32, {2, 20})}, {integer(-1)}, -1};
  std::fill_n(masked.inputs[0].as<float>() + 3, 30, -kInfinity);
  cases.push_back(std::move(masked));
  for (const int axis : {0, 1}) {  // a row and a column of each kind
    Case special{"special values", op, {normal(random, {19, 19})}, {empty(Dtype::f32, {19, 19})},
                 {integer(axis)},  -1};
    auto* x = special.inputs[0].as<float>();
    const float values[] = {-kInfinity, kInfinity, std::numeric_limits<float>::quiet_NaN(),
                            0.0f,       -0.0f,     -100};
    for (int i = 0; i < 6; ++i) {
      std::fill_n(x + (2 * i + 1) * 19, 19, values[i]);
      x[18 * 19 + 2 * i] = values[i];
    }
    cases.push_back(std::move(special));
  }
  return cases;
}

std::vector<Case> softmax_top_k_cases() {
  Random random(47);
  std::vector<Case> cases;
  const auto add = [&cases](Tensor x, std::int64_t axis, std::int64_t k, std::int64_t largest,
                            std::int64_t log) {
    Shape chosen = x.dims;
    chosen[static_cast<std::size_t>(axis < 0 ? axis + std::ssize(chosen) : axis)] = k;
    cases.push_back({describe(x.dims) + "axis " + std::to_string(axis) + ", k " + std::to_string(k),
                     "SoftmaxTopK",
                     {std::move(x)},
                     {empty(Dtype::f32, chosen), empty(Dtype::i64, chosen)},
                     {integer(axis), integer(k), integer(largest), integer(log)},
                     -1});
  };
  for (const auto log : {0, 1})
    for (const auto largest : {0, 1}) {
      add(normal(random, {3, 1000}, 8), -1, 5, largest, log);
      add(normal(random, {4, 33, 7}), 1, 33, largest, log);
      add(normal(random, {1, 1}), 0, 1, largest, log);
      add(normal(random, {130, 40}), -1, 0, largest, log);
      // most exponentials round to the same numbers, or to zero
      Tensor ties = normal(random, {2, 64}, 1e-8f);
      std::fill_n(ties.as<float>() + 64, 40, -200.0f);
      add(std::move(ties), 1, 20, largest, log);
      Tensor unusual = normal(random, {3, 9});
      unusual.as<float>()[4] = -kInfinity;
      unusual.as<float>()[12] = std::numeric_limits<float>::quiet_NaN();
      std::fill_n(unusual.as<float>() + 18, 9, -kInfinity);
      add(std::move(unusual), 1, 4, largest, log);
    }
  return cases;
}

std::vector<Case> reduce_cases(std::string_view op) {
  const std::vector<std::pair<Shape, const char*>> kCases = {
      {{}, ""},
      {{37}, ""},
      {{37}, "0"},
      {{7, 33}, "-1"},
      {{7, 33}, "0"},
      {{7, 33}, ""},
      {{7, 33}, "0, 1"},
      {{3, 5, 17}, "1"},
      {{3, 5, 17}, "0, -1"},
      {{3, 5, 17}, "1, 2"},
      {{0, 3}, "0"},
      {{0, 3}, "1"},
      {{2, 3, 4, 5}, "2"},
      {{130, 200}, "-1"},
      {{2, 1, 3, 1, 2, 5}, "5, 0, 3"},
      {{200, 130}, "0"},
      {{4, 1}, "1"},
      {{2, 40, 33}, "1"},
      {{3, 20, 17}, "0, 2"},
      {{5, 2, 3, 37}, "0, 2"},
      {{3, 4, 16, 2}, "2, 3"},
  };
  Random random(47);
  std::vector<Case> cases;
  for (const auto& [shape, axes] : kCases)
    for (const int keep : {0, 1}) {
      Shape to;
      const auto reduced = parse_axes(axes, shape.size()).value();
      for (std::size_t i = 0; i < shape.size(); ++i) {
        if (!std::ranges::binary_search(reduced, i))
          to.push_back(shape[i]);
        else if (keep == 1)
          to.push_back(1);
      }
      cases.push_back({describe(shape) + "axes " + axes + " keepdims " + std::to_string(keep),
                       op,
                       {uniform(random, shape, op == "ReduceLogSum" ? 0.01f : -4)},
                       {empty(Dtype::f32, to)},
                       {text(axes), integer(keep)},
                       -1});
    }
  return cases;
}

std::vector<Case> mat_mul_cases() {
  struct Product {
    Shape a, b, y;
  };
  const std::vector<Product> kCases = {
      {{4}, {4}, {}},
      {{4}, {4, 3}, {3}},
      {{2, 4}, {4}, {2}},
      {{1, 1}, {1, 1}, {1, 1}},
      {{7, 33}, {33, 130}, {7, 130}},
      {{70, 64}, {64, 65}, {70, 65}},
      {{5, 7, 3}, {5, 3, 2}, {5, 7, 2}},
      {{5, 7, 3}, {3, 2}, {5, 7, 2}},
      {{7, 3}, {5, 3, 2}, {5, 7, 2}},
      {{2, 1, 7, 3}, {4, 3, 2}, {2, 4, 7, 2}},
      {{2, 3, 4, 5}, {2, 3, 5, 6}, {2, 3, 4, 6}},
      {{3}, {2, 3, 4}, {2, 4}},
      {{2, 4, 3}, {3}, {2, 4}},
      {{4, 0}, {0, 3}, {4, 3}},
      {{0, 4}, {4, 3}, {0, 3}},
      {{4, 2}, {2, 0}, {4, 0}},
  };
  Random random(48);
  std::vector<Case> cases;
  for (const auto& [a, b, y] : kCases)
    cases.push_back({describe(a) + "times " + describe(b),
                     "MatMul",
                     {normal(random, a), normal(random, b)},
                     {empty(Dtype::f32, y)},
                     {},
                     -1});
  return cases;
}

std::vector<Case> attention_cases() {
  struct Sizes {
    std::int64_t batch, heads, kv_heads, rows, columns, head_dim, value_dim;
  };
  Random random(49);
  std::vector<Case> cases;
  for (const auto& s :
       {Sizes{1, 1, 1, 1, 1, 1, 1}, Sizes{2, 4, 2, 5, 5, 8, 8}, Sizes{1, 3, 3, 70, 130, 16, 16},
        Sizes{1, 6, 1, 3, 64, 4, 7}, Sizes{1, 2, 2, 65, 65, 8, 8}, Sizes{2, 2, 2, 9, 4, 5, 6}})
    for (const std::int64_t causal : {0, 1})
      for (const double scale : {0.0, 0.7})
        for (const double softcap : {0.0, 3.0})
          for (const int mask : {0, 1, 2, 3}) {
            Case test{std::to_string(s.batch) + " x " + std::to_string(s.heads) + "/" +
                          std::to_string(s.kv_heads) + " x " + std::to_string(s.rows) + " x " +
                          std::to_string(s.columns) + " causal " + std::to_string(causal) + " softcap " +
                          std::to_string(softcap) + " mask " + std::to_string(mask),
                      "Attention",
                      {normal(random, {s.batch, s.heads, s.rows, s.head_dim}),
                       normal(random, {s.batch, s.kv_heads, s.columns, s.head_dim}),
                       normal(random, {s.batch, s.kv_heads, s.columns, s.value_dim})},
                      {empty(Dtype::f32, {s.batch, s.heads, s.rows, s.value_dim})},
                      {integer(causal), real(scale), real(softcap)},
                      -1};
            if (mask == 1) test.inputs.push_back(normal(random, {s.rows, s.columns}, 2));
            if (mask == 2) {
              test.inputs.push_back(normal(random, {s.batch, 1, 1, s.columns}));
              for (std::int64_t i = 0; i < s.batch * s.columns; i += 3)
                test.inputs[3].as<float>()[i] = -kInfinity;
            }
            if (mask == 3) test.inputs.push_back(conditions(random, {s.heads, s.rows, s.columns}));
            cases.push_back(std::move(test));
          }
  return cases;
}

}  // namespace lathe::parity
