#include "parity/rows_codes.h"

#include <deque>
#include <limits>

#include "graph/code_product.h"

namespace lathe::parity {
namespace {

using Cases = std::vector<Case>;

/// Any codes.
Tensor codes(Random& random, Dtype dtype, Shape dims) {
  Tensor tensor = empty(dtype, std::move(dims));
  for (auto& byte : tensor.bytes) byte = static_cast<std::byte>(random());
  return tensor;
}

Tensor number(float value) {
  Tensor tensor = empty(Dtype::f32, {});
  *tensor.as<float>() = value;
  return tensor;
}

Tensor absent() { return empty(Dtype::none, {0}, 0); }

}  // namespace

std::span<const CodeKind> code_kinds() {
  static constexpr CodeKind kKinds[] = {
      {Dtype::u8, Dtype::u8, Dtype::none, true},       {Dtype::i8, Dtype::i8, Dtype::i8, true},
      {Dtype::i8, Dtype::f32, Dtype::u8, true},        {Dtype::u8, Dtype::i8, Dtype::f32, false},
      {Dtype::u8, Dtype::f32, Dtype::none, false},     {Dtype::i8, Dtype::u8, Dtype::none, false},
      {Dtype::u8, Dtype::i8, Dtype::none, true, true}, {Dtype::i8, Dtype::u8, Dtype::none, false, true}};
  return kKinds;
}

Case code_case(std::string_view op, const Shape& x, const Shape& weight, const CodeKind& kind,
               Attributes attributes) {
  Random random(29);
  if (kind.in_one_step)
    for (const auto* bound : {"least", "most"}) attributes.erase(bound);
  float depth = 1;
  for (std::size_t i = 1; i < weight.size(); ++i) depth *= static_cast<float>(weight[i]);
  const float spread = 1 / (74.0f * 74.0f * std::sqrt(depth + 1));  // of codes of any bits
  Tensor factors = normal(random, {weight[0]}, 20 * spread);
  std::vector<Tensor> inputs = {codes(random, kind.x, x), codes(random, Dtype::i8, weight), factors,
                                !kind.bias         ? absent()
                                : kind.in_one_step ? integers(random, {weight[0]}, -9000, 9000)
                                                   : normal(random, {weight[0]}, 10),
                                codes(random, kind.x, {})};
  const Tensor none = absent();
  Graph graph;
  const auto result = [&] {
    graph = {};
    std::vector<ValueId> ids;
    for (const auto& input : inputs) {  // a bias changes nothing
      const Tensor& given = &input == &inputs[code_product::kBias] ? none : input;
      ids.push_back(graph.add_constant("in", {given.bytes.data(), given.dtype, given.dims}, nullptr));
    }
    return graph.value(graph.add_node(op, "node", ids, attributes).at(0)).type;
  };
  Shape y;
  for (const auto& dim : result().dims) y.push_back(dim.value);
  const bool adds_codes = kind.addend == Dtype::i8 || kind.addend == Dtype::u8;
  inputs.push_back(kind.addend == Dtype::none  ? absent()
                   : kind.addend == Dtype::f32 ? normal(random, y, 10)
                                               : codes(random, kind.addend, y));
  inputs.push_back(adds_codes ? number(0.13f) : absent());
  inputs.push_back(adds_codes ? codes(random, kind.addend, {}) : absent());
  inputs.push_back(kind.y == Dtype::f32 || kind.in_one_step ? absent() : number(0.37f));
  inputs.push_back(kind.y == Dtype::f32 ? absent() : codes(random, kind.y, {1}));
  Case test{std::string(op), op, std::move(inputs), {empty(kind.y, y)}, {}};
  for (const auto& input : test.inputs)
    test.name += " " + to_string(ValueType{input.dtype, {input.dims.begin(), input.dims.end()}});
  static std::deque<std::string> texts;  // which cases point to
  const Node& node = graph.nodes.back();
  for (const auto& spec : node.op->attributes) {
    if (spec.kind == AttributeKind::integer) {
      test.attributes.push_back(integer(node.integer(spec.name)));
    } else if (spec.kind == AttributeKind::real) {
      test.attributes.push_back(real(node.real(spec.name)));
    } else {
      test.attributes.push_back(text(texts.emplace_back(node.text(spec.name)).c_str()));
      test.name += " " + node.text(spec.name);
    }
  }
  return test;
}

namespace {

Cases conv_cases() {
  Cases cases;
  const auto add = [&](const Shape& x, const Shape& weight, const Attributes& attributes) {
    const CodeKind& kind = code_kinds()[cases.size() % code_kinds().size()];
    cases.push_back(code_case("ConvCodes", x, weight, kind, attributes));
  };
  for (const auto& kind : code_kinds()) {
    cases.push_back(code_case("ConvCodes", {2, 5, 6, 11}, {7, 5, 3, 3}, kind, {{"pads", "1,1,1,1"}}));
    cases.push_back(code_case("ConvCodes", {1, 6, 7, 9}, {6, 1, 3, 3}, kind,
                              {{"group", 6}, {"pads", "1,1,1,1"}, {"strides", "2,1"}, {"least", 0.0}}));
  }
  add({1, 64, 4, 37}, {33, 64, 1, 1}, {{"least", 0.0}});
  add({1, 7, 3, 5}, {9, 7, 1, 1}, {{"least", -3.0}, {"most", 12.5}});
  add({2, 4, 8, 7}, {6, 2, 3, 2}, {{"group", 2}, {"strides", "2,3"}, {"pads", "0,2,1,0"}});
  add({1, 300, 3, 6}, {17, 300, 2, 2}, {{"dilations", "1,2"}});  // several blocks of the depth
  add({1, 3, 25, 27}, {5, 3, 7, 7}, {{"pads", "3,3,3,3"}, {"strides", "2,2"}});
  add({1, 40, 3, 3}, {64, 40, 3, 3}, {{"auto_pad", "SAME_UPPER"}});
  add({1, 2, 40}, {3, 2, 5}, {{"auto_pad", "SAME_LOWER"}, {"strides", "2"}});
  add({1, 2, 4, 5, 6}, {3, 2, 2, 3, 2}, {{"pads", "1,0,1,0,1,0"}});
  add({1, 1, 1, 1}, {1, 1, 3, 3}, {{"pads", "4,4,4,4"}, {"strides", "3,3"}});
  add({1, 0, 3, 3}, {4, 0, 2, 2}, {});
  add({0, 2, 3, 3}, {4, 2, 2, 2}, {});
  add({3, 2, 2, 70}, {8, 2, 1, 7}, {{"dilations", "1,9"}});
  // lines of one length in and out: many chunks of pixels, a kernel wider than the plane, dilation, one axis
  add({1, 4, 40, 41}, {5, 4, 5, 5}, {{"pads", "2,2,2,2"}});
  add({1, 2, 3, 4}, {3, 2, 5, 9}, {{"pads", "2,4,2,4"}});
  add({1, 2, 19, 20}, {3, 2, 3, 3}, {{"dilations", "2,4"}, {"pads", "1,4,3,4"}});
  add({1, 3, 300}, {6, 3, 5}, {{"pads", "2,2"}});
  add({1, 3, 30, 7}, {6, 3, 4, 3}, {{"pads", "0,0,2,2"}});
  // channels alone: one row each and two, strides, dilations, wide kernels, one axis and three
  add({1, 3, 20, 35}, {3, 1, 3, 3}, {{"group", 3}, {"pads", "1,1,1,1"}});
  add({1, 3, 20, 35}, {3, 1, 3, 3}, {{"group", 3}, {"pads", "1,1,1,1"}, {"strides", "2,2"}});
  add({2, 3, 9, 33}, {6, 1, 5, 5}, {{"group", 3}, {"pads", "2,2,2,2"}, {"most", 6.0}});
  add({1, 2, 12, 50}, {2, 1, 3, 3}, {{"group", 2}, {"dilations", "2,3"}, {"pads", "2,3,2,3"}});
  add({2, 1, 22, 12}, {2, 1, 4, 5}, {{"dilations", "3,3"}, {"pads", "3,6,3,6"}, {"strides", "2,1"}});
  add({1, 4, 61}, {4, 1, 4}, {{"group", 4}, {"pads", "3,0"}, {"strides", "3"}});
  add({1, 2, 3, 5, 18}, {2, 1, 2, 3, 3}, {{"group", 2}, {"pads", "1,1,1,0,1,1"}});
  return cases;
}

Cases linear_cases_of_codes() {
  Cases cases;
  const auto add = [&](const Shape& x, std::int64_t rows) {
    cases.push_back(code_case("LinearCodes", x, {rows, x.back()},
                              code_kinds()[cases.size() % code_kinds().size()], {{"most", 9.0}}));
  };
  for (const auto& kind : code_kinds()) {
    cases.push_back(code_case("LinearCodes", {7, 37}, {19, 37}, kind, {{"least", 0.0}}));
    cases.push_back(code_case("LinearCodes", {2, 13, 64}, {48, 64}, kind, {}));
  }
  add({33, 1030}, 70);
  add({1, 512}, 130);
  add({5}, 3);
  add({3, 1}, 16);
  add({4, 0}, 5);
  add({0, 6}, 5);
  add({2, 6}, 0);
  add({130, 65}, 17);
  return cases;
}

Cases map_cases() {
  Cases cases;
  Random random(3);
  for (const auto& dims : {Shape{256}, Shape{3, 5, 37}, Shape{}, Shape{1000}, Shape{0, 2}})
    for (const auto dtype : {Dtype::i8, Dtype::u8}) {
      const auto name = "MapCodes of " + to_string(ValueType{dtype, {dims.begin(), dims.end()}});
      cases.push_back({name,
                       "MapCodes",
                       {codes(random, dtype, dims), codes(random, Dtype::u8, {256})},
                       {empty(Dtype::u8, dims)},
                       {}});
    }
  return cases;
}

Cases arithmetic_cases(std::string_view op) {
  constexpr auto i8 = Dtype::i8;
  constexpr auto u8 = Dtype::u8;
  constexpr double kNone = std::numeric_limits<float>::max();
  return {
      arithmetic_case(op, {3, 5, 7, 11}, {3, 5, 7, 11}, {u8, u8, u8}, -kNone, kNone),
      arithmetic_case(op, {2, 130}, {2, 130}, {i8, i8, i8}, 0, kNone),
      arithmetic_case(op, {2, 6, 5, 9}, {2, 6, 1, 1}, {u8, i8, u8}, -kNone, 12.5),  // a gate of channels
      arithmetic_case(op, {6, 1, 33}, {2, 6, 4, 33}, {i8, u8, i8}, -kNone, kNone),
      arithmetic_case(op, {40}, {3, 2, 40}, {u8, i8, i8}, -3, 20),
      arithmetic_case(op, {4, 1, 3, 1}, {1, 5, 3, 2}, {i8, u8, u8}, -kNone, kNone),
      arithmetic_case(op, {}, {2, 17}, {u8, u8, i8}, -kNone, kNone),
      arithmetic_case(op, {1, 1}, {1}, {u8, i8, u8}, 0, 6),
      arithmetic_case(op, {0, 4}, {1, 4}, {u8, u8, u8}, -kNone, kNone),
  };
}

}  // namespace

Case arithmetic_case(std::string_view op, const Shape& a, const Shape& b, const std::array<Dtype, 3>& types,
                     double least, double most) {
  Random random(17);
  const float y_scale = op == "MulCodes" ? 20.5f : 0.37f;
  std::vector<Tensor> inputs = {codes(random, types[0], a),
                                codes(random, types[1], b),
                                number(0.31f),
                                codes(random, types[0], {}),
                                number(0.213f),
                                codes(random, types[1], {1}),
                                number(y_scale),
                                codes(random, types[2], {})};
  Graph graph;
  std::vector<ValueId> ids;
  for (const auto& input : inputs)
    ids.push_back(graph.add_constant("in", {input.bytes.data(), input.dtype, input.dims}, nullptr));
  Shape y;
  for (const auto& dim : graph.value(graph.add_node(op, "node", ids, {}).at(0)).type.dims)
    y.push_back(dim.value);
  const auto name = std::string(op) + " of " + to_string(ValueType{types[0], {a.begin(), a.end()}}) +
                    " and " + to_string(ValueType{types[1], {b.begin(), b.end()}});
  return {name, op, std::move(inputs), {empty(types[2], y)}, {real(least), real(most)}};
}

std::vector<Row> code_rows() {
  return {
      {"AddCodes", [] { return arithmetic_cases("AddCodes"); }, {}},
      {"ConvCodes", conv_cases, {}},
      {"LinearCodes", linear_cases_of_codes, {}},
      {"MapCodes", map_cases, {}},
      {"MulCodes", [] { return arithmetic_cases("MulCodes"); }, {}},
      {"SubCodes", [] { return arithmetic_cases("SubCodes"); }, {}},
  };
}

}  // namespace lathe::parity
