#include "parity/rows_array_ops.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace lathe::parity {
namespace {

constexpr auto kSizes = std::to_array({Dtype::f32, Dtype::f64, Dtype::f16, Dtype::u8});
constexpr auto kNumbers =
    std::to_array({Dtype::f32, Dtype::f64, Dtype::f16, Dtype::bf16, Dtype::i8, Dtype::i16, Dtype::i32,
                   Dtype::i64, Dtype::u8, Dtype::u16, Dtype::u32, Dtype::u64});

using Attributes = std::vector<AttributeValue>;

/// Small numbers: many are equal, none is NaN.
Tensor numbers(Random& random, Dtype dtype, const Shape& shape) {
  Tensor tensor = empty(dtype, shape);
  const auto bytes = info(dtype).block_bytes;
  std::ranges::fill(tensor.bytes, std::byte{});
  for (std::size_t i = 0; i < tensor.bytes.size(); i += bytes) {
    const auto digit = static_cast<std::uint8_t>(random() % 5);
    // a digit in the lowest byte of whole numbers, in the exponent of floats
    const bool is_float = dtype <= Dtype::f64;
    tensor.bytes[is_float ? i + bytes - 1 : i] = static_cast<std::byte>(is_float ? 0x3c + digit : digit);
  }
  return tensor;
}

Tensor wholes(std::span<const std::int64_t> values, const Shape& shape) {
  Tensor tensor = empty(Dtype::i64, shape);
  std::ranges::copy(values, tensor.as<std::int64_t>());
  return tensor;
}

Tensor wholes(std::initializer_list<std::int64_t> values) {
  return wholes(std::span(values.begin(), values.size()), {static_cast<std::int64_t>(values.size())});
}

Tensor places(Random& random, const Shape& shape, std::int64_t count) {
  Tensor tensor = empty(Dtype::i64, shape);
  const auto elements = static_cast<std::size_t>(element_count(shape));
  for (std::size_t i = 0; i < elements; ++i)
    tensor.as<std::int64_t>()[i] =
        static_cast<std::int64_t>(random() % static_cast<std::uint32_t>(2 * count)) - count;
  return tensor;
}

/// One case for each type: x of a shape, other inputs, and the outputs' shapes, of x's type but for `wholes`.
std::vector<Case> cases(std::string_view op, std::span<const Dtype> dtypes, const Shape& shape,
                        const std::vector<Tensor>& others, const Shape& output, const Attributes& attributes,
                        const std::vector<Shape>& whole_outputs = {}) {
  Random random(71);
  std::vector<Case> result;
  for (const auto dtype : dtypes) {
    Case test{std::string(info(dtype).name), op, {numbers(random, dtype, shape)}, {}, attributes, -1};
    test.inputs.insert(test.inputs.end(), others.begin(), others.end());
    test.outputs.push_back(empty(dtype, output));
    for (const auto& whole : whole_outputs) test.outputs.push_back(empty(Dtype::i64, whole));
    result.push_back(std::move(test));
  }
  return result;
}

std::vector<Case> concat_cases() {
  Random random(72);
  std::vector<Case> result;
  for (const auto dtype : kSizes)
    result.push_back({std::string(info(dtype).name),
                      "Concat",
                      {numbers(random, dtype, {3, 2, 700}), numbers(random, dtype, {3, 5, 700}),
                       numbers(random, dtype, {3, 0, 700})},
                      {empty(dtype, {3, 7, 700})},
                      {integer(-2)},
                      -1});
  return result;
}

std::vector<Case> split_cases() {
  Random random(73);
  std::vector<Case> result;
  for (const auto dtype : kSizes)
    result.push_back({std::string(info(dtype).name),
                      "Split",
                      {numbers(random, dtype, {4, 9, 300}), wholes({2, 0, 7})},
                      {empty(dtype, {4, 2, 300}), empty(dtype, {4, 0, 300}), empty(dtype, {4, 7, 300})},
                      {integer(1), integer(0), integer(3)},
                      -1});
  return result;
}

std::vector<Case> transpose_cases() {
  auto result = cases("TransposeAny", kSizes, {3, 40, 70}, {}, {70, 3, 40}, {text("2, 0, 1")});
  for (auto& test : cases("TransposeAny", kSizes, {5, 7}, {}, {7, 5}, {text("")})) result.push_back(test);
  return result;
}

std::vector<Case> slice_cases() {
  auto result =
      cases("Slice", kSizes, {20, 30, 25},
            {wholes({-1, 2}), wholes({-100, 23}), wholes({1, 2}), wholes({-3, 2})}, {20, 10, 11}, {});
  for (auto& test : cases("Slice", kSizes, {9}, {wholes({4}), wholes({100})}, {5}, {}))
    result.push_back(test);
  return result;
}

std::vector<Case> unique_cases() {
  Random random(74);
  std::vector<Case> result;
  for (const auto dtype : kNumbers) {
    Tensor x = numbers(random, dtype, {3, 4});
    std::copy_n(x.bytes.begin(), x.bytes.size() / 3,
                x.bytes.begin() + static_cast<std::ptrdiff_t>(x.bytes.size() / 3));
    std::copy_n(x.bytes.begin(), x.bytes.size() / 3,
                x.bytes.end() - static_cast<std::ptrdiff_t>(x.bytes.size() / 3));
    result.push_back(
        {std::string(info(dtype).name),
         "Unique",
         {x},
         {empty(dtype, {1, 4}), empty(Dtype::i64, {1}), empty(Dtype::i64, {3}), empty(Dtype::i64, {1})},
         {integer(0), integer(1), integer(4)},
         -1});
  }
  return result;
}

std::vector<Case> non_zero_cases() {
  std::vector<Case> result;
  for (const auto dtype : kNumbers) {
    Tensor x = empty(dtype, {2, 6});
    std::ranges::fill(x.bytes, std::byte{});
    const auto bytes = info(dtype).block_bytes;
    for (const std::size_t place : {1, 7, 10}) x.bytes[place * bytes + bytes - 1] = std::byte{0x3c};
    result.push_back({std::string(info(dtype).name), "NonZero", {x}, {empty(Dtype::i64, {2, 3})}, {}, -1});
  }
  return result;
}

std::vector<Case> extreme_cases(std::string_view op) {
  Random random(75);
  std::vector<Case> result;
  for (const auto dtype : kNumbers)
    for (const int last : {0, 1})
      result.push_back({std::string(info(dtype).name),
                        op,
                        {numbers(random, dtype, {30, 11, 9})},
                        {empty(Dtype::i64, {30, 1, 9})},
                        {integer(1), integer(1), integer(last)},
                        -1});
  return result;
}

std::vector<Case> one_hot_cases() {
  Random random(76);
  std::vector<Case> result;
  for (const auto dtype : kSizes)
    result.push_back({std::string(info(dtype).name),
                      "OneHot",
                      {places(random, {40, 30}, 9), wholes({8}), numbers(random, dtype, {2})},
                      {empty(dtype, {40, 8, 30})},
                      {integer(1)},
                      -1});
  return result;
}

std::vector<Case> box_cases() {
  Random random(77);
  Tensor none_overlaps = empty(Dtype::f32, {1});
  *none_overlaps.as<float>() = 1;  // the limit: all three best of each class stay
  return {{"boxes",
           "NonMaxSuppression",
           {normal(random, {1, 6, 4}), normal(random, {1, 2, 6}), wholes({3}), none_overlaps},
           {empty(Dtype::i64, {6, 3})},
           {integer(0)},
           -1}};
}

std::vector<Case> filled_cases(std::string_view op) {
  Random random(78);
  std::vector<Case> result;
  for (const auto dtype : kNumbers) {
    const std::string name(info(dtype).name);
    if (op == "ConstantOfShape")
      result.push_back(
          {name, op, {wholes({40, 300}), numbers(random, dtype, {1})}, {empty(dtype, {40, 300})}, {}, -1});
    if (op == "EyeLike")
      result.push_back({name,
                        op,
                        {numbers(random, dtype, {100, 120})},
                        {empty(dtype, {100, 120})},
                        {integer(static_cast<std::int64_t>(dtype)), integer(-3)},
                        -1});
    if (op == "Range")
      result.push_back({name,
                        op,
                        {numbers(random, dtype, {}), numbers(random, dtype, {}), numbers(random, dtype, {})},
                        {empty(dtype, {50})},
                        {},
                        -1});
  }
  return result;
}

std::vector<Case> shape_cases(std::string_view op) {
  Random random(79);
  const Tensor x = numbers(random, Dtype::f32, {2, 3, 4});
  if (op == "Sizes")
    return {{"x",
             op,
             {x, x},
             {empty(Dtype::i64, {3})},
             {text("(2*d0.0*d1.2-1), 7, ((d0.1+d1.0)/2)"), integer(1), text("i64")},
             -1},
            {"scalar", op, {x}, {empty(Dtype::i32, {})}, {text("d0.1"), integer(0), text("i32")}, -1}};
  if (op == "Size") return {{"x", op, {x}, {empty(Dtype::i64, {})}, {}, -1}};
  return {{"x", op, {x}, {empty(Dtype::i64, {2})}, {integer(-2), integer(1000)}, -1}};
}

std::vector<Case> scatter_cases(std::string_view op) {
  Random random(80);
  std::vector<Case> result;
  for (const auto dtype : kNumbers) {
    for (const auto* reduction : {"", "add", "mul", "max", "min"}) {
      const Tensor x = numbers(random, dtype, {6, 7});
      const bool elements = op == "ScatterElements";
      Attributes attributes = {text(reduction)};
      if (elements) attributes.insert(attributes.begin(), integer(1));
      result.push_back({std::string(info(dtype).name) + reduction,
                        op,
                        {x, elements ? places(random, {5, 20}, 7) : places(random, {5, 1}, 6),
                         elements ? numbers(random, dtype, {5, 20}) : numbers(random, dtype, {5, 7})},
                        {empty(dtype, {6, 7})},
                        attributes,
                        -1});
    }
  }
  return result;
}

Tensor chosen(const Shape& shape, std::size_t place) {
  Tensor tensor = empty(Dtype::boolean, shape);
  std::ranges::fill(tensor.bytes, std::byte{});
  tensor.bytes[place] = std::byte{1};
  return tensor;
}

std::vector<Case> tensor_scatter_cases() {
  Random random(81);
  std::vector<Case> result;
  for (const auto dtype : kSizes)
    for (const auto* mode : {"linear", "circular"})
      result.push_back(
          {std::string(info(dtype).name) + mode,
           "TensorScatter",
           {numbers(random, dtype, {2, 3, 8, 5}), numbers(random, dtype, {2, 3, 2, 5}), wholes({6, 1})},
           {empty(dtype, {2, 3, 8, 5})},
           {text(mode), integer(-2)},
           -1});
  return result;
}

Tensor some_places(const Shape& shape, std::int64_t count) {
  Random random(82);
  return places(random, shape, count);
}

}  // namespace

std::vector<Row> array_op_rows() {
  // clang-format off
  return {
      {"ArgMaxAny", [] { return extreme_cases("ArgMaxAny"); }, {}},
      {"ArgMin", [] { return extreme_cases("ArgMin"); }, {}},
      {"CenterCropPad", [] { return cases("CenterCropPad", kSizes, {20, 33, 25}, {wholes({31, 20})}, {31, 33, 20}, {text("0, 2")}); }, {}},
      {"Compress", [] { return cases("Compress", kSizes, {3, 5, 2}, {chosen({4}, 2)}, {3, 1, 2}, {integer(1)}); }, {}},
      {"Concat", concat_cases, {}},
      {"ConstantOfShape", [] { return filled_cases("ConstantOfShape"); }, {}},
      {"CumProd", [] { return cases("CumProd", kNumbers, {40, 9, 30}, {wholes({1})}, {40, 9, 30}, {integer(1), integer(0)}); }, {}},
      {"CumSum", [] { return cases("CumSum", kNumbers, {40, 9, 30}, {wholes({-2})}, {40, 9, 30}, {integer(0), integer(1)}); }, {}},
      {"DepthToSpace", [] { return cases("DepthToSpace", kSizes, {2, 12, 30, 20}, {}, {2, 3, 60, 40}, {integer(2), text("DCR")}); }, {}},
      {"EyeLike", [] { return filled_cases("EyeLike"); }, {}},
      {"ExpandAny", [] { return cases("ExpandAny", kSizes, {3, 1, 40}, {wholes({2, 1, 90, 1})}, {2, 3, 90, 40}, {}); }, {}},
      {"GatherAny", [] { return cases("GatherAny", kSizes, {9, 11, 20}, {some_places({8, 7}, 11)}, {9, 8, 7, 20}, {integer(1)}); }, {}},
      {"GatherElements", [] { return cases("GatherElements", kSizes, {90, 11}, {some_places({90, 100}, 11)}, {90, 100}, {integer(1)}); }, {}},
      {"GatherND", [] { return cases("GatherND", kSizes, {4, 5, 6, 90}, {some_places({4, 8, 2}, 5)}, {4, 8, 90}, {integer(1)}); }, {}},
      {"Hardmax", [] { return cases("Hardmax", std::span(kNumbers).first(4), {100, 30}, {}, {100, 30}, {integer(-1)}); }, {}},
      {"NonMaxSuppression", box_cases, {}},
      {"NonZero", non_zero_cases, {}},
      {"OneHot", one_hot_cases, {}},
      {"Pad", [] { return cases("Pad", kSizes, {20, 30, 25}, {wholes({2, -1, 3, 1, 4, 40})}, {23, 33, 68}, {text("wrap")}); }, {}},
      {"Range", [] { return filled_cases("Range"); }, {}},
      {"ReverseSequence", [] { return cases("ReverseSequence", kSizes, {9, 4, 300}, {wholes({1, 9, 0, 4})}, {9, 4, 300}, {integer(1), integer(0)}); }, {}},
      {"ScatterElements", [] { return scatter_cases("ScatterElements"); }, {}},
      {"ScatterND", [] { return scatter_cases("ScatterND"); }, {}},
      {"Shape", [] { return shape_cases("Shape"); }, {}},
      {"Size", [] { return shape_cases("Size"); }, {}},
      {"Sizes", [] { return shape_cases("Sizes"); }, {}},
      {"Slice", slice_cases, {}},
      {"SpaceToDepth", [] { return cases("SpaceToDepth", kSizes, {2, 3, 60, 40}, {}, {2, 12, 30, 20}, {integer(2), text("CRD")}); }, {}},
      {"Split", split_cases, {}},
      {"TensorScatter", tensor_scatter_cases, {}},
      {"Tile", [] { return cases("Tile", kSizes, {3, 20, 30}, {wholes({2, 1, 5})}, {6, 20, 150}, {}); }, {}},
      {"TopKAny", [] { return cases("TopKAny", kNumbers, {10, 30, 8}, {wholes({5})}, {10, 5, 8}, {integer(1), integer(1), integer(1)}, {{10, 5, 8}}); }, {}},
      {"TransposeAny", transpose_cases, {}},
      {"Trilu", [] { return cases("Trilu", kSizes, {3, 50, 70}, {wholes({-2})}, {3, 50, 70}, {integer(1)}); }, {}},
      {"Unique", unique_cases, {}},
  };
  // clang-format on
}

}  // namespace lathe::parity
