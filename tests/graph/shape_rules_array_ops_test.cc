// Rules of ONNX's ops on arrays: what they say of dimensions that are numbers, symbols and unknown, with
// inputs' elements known and not, and what they refuse.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "base/error.h"
#include "graph/graph.h"
#include "graph/infer.h"
#include "graph/slice_range.h"

namespace lathe {
namespace {

constexpr auto f32 = Dtype::f32;
constexpr auto i64 = Dtype::i64;
const Dim kUnknown = Dim::unknown();

/// An input: a type, or integers that are known.
struct Given {
  ValueType type;
  std::vector<std::int64_t> elements;
  bool known = false;
  Elements followed = {};  // what is known of them ahead of a run

  Given(ValueType of) : type(std::move(of)) {}  // NOLINT
  Given(std::vector<std::int64_t> integers)     // NOLINT
      : type{i64, {integers.size()}}, elements(std::move(integers)), known(true) {}
};

Given known(std::vector<std::int64_t> integers) { return {std::move(integers)}; }
Given sizes(Dims dims) {
  Given given(ValueType{i64, {dims.size()}});
  given.followed = std::move(dims);
  return given;
}
Given size(const Dim& dim) {
  Given given(ValueType{i64, {}});
  given.followed = {dim};
  return given;
}

std::string inferred(std::string_view op, const std::vector<Given>& inputs,
                     const Attributes& attributes = {}) {
  Node node;
  node.op = find_op(op);
  node.attributes = complete_attributes(*node.op, attributes);
  std::vector<ValueType> types;
  std::vector<TensorView> values;
  std::vector<Elements> elements;
  SymbolRanges symbols(DimRange{1, 512});
  for (const auto& input : inputs) {
    types.push_back(input.type);
    elements.push_back(input.followed);
    values.push_back(input.known ? TensorView{reinterpret_cast<const std::byte*>(input.elements.data()),
                                              i64,
                                              {static_cast<std::int64_t>(input.elements.size())}}
                                 : TensorView{});
  }
  std::string text;
  for (const auto& type : infer_types(node, {types, values, elements, &symbols}))
    text += (text.empty() ? "" : " ") + to_string(type);
  return text;
}

std::string refusal(std::string_view op, const std::vector<Given>& inputs,
                    const Attributes& attributes = {}) {
  try {
    return "gives " + inferred(op, inputs, attributes);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    return error.what();
  }
}

ValueType x(Dims dims) { return {f32, std::move(dims)}; }
ValueType indices(Dims dims) { return {i64, std::move(dims)}; }
const ValueType kUnranked = ValueType::unranked(f32);

TEST(SliceRange, IsWhatNumpyTakes) {
  const auto range = [](std::int64_t dim, std::int64_t start, std::int64_t end, std::int64_t step) {
    const auto found = slice_range(dim, start, end, step);
    return std::vector{found.start, found.step, found.count};
  };
  constexpr auto kLeast = std::numeric_limits<std::int64_t>::min();
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  using testing::ElementsAre;
  EXPECT_THAT(range(10, 2, 7, 2), ElementsAre(2, 2, 3));
  EXPECT_THAT(range(10, -3, kMost, 1), ElementsAre(7, 1, 3));
  EXPECT_THAT(range(10, kMost, kLeast, -3), ElementsAre(9, -3, 4));
  EXPECT_THAT(range(10, 20, 0, -1), ElementsAre(9, -1, 9));
  EXPECT_THAT(range(10, 0, 10, kMost), ElementsAre(0, 1, 1));
  EXPECT_THAT(range(10, 9, kLeast, kLeast), ElementsAre(9, 1, 1));
  EXPECT_EQ(slice_range(10, -20, kLeast, -1).count, 0);
  EXPECT_EQ(slice_range(0, 0, kMost, 1).count, 0);
  EXPECT_EQ(slice_range(10, 7, 2, 1).count, 0);
}

TEST(ArrayRules, ReshapeKeepsElements) {
  EXPECT_EQ(inferred("ReshapeAny", {x({2, 3, 4}), known({0, -1})}), "f32[2, 12]");
  EXPECT_EQ(inferred("ReshapeAny", {x({"N", 3, 4}), known({-1, 12})}), "f32[N, 12]");
  EXPECT_EQ(inferred("ReshapeAny", {x({"N", "T", 64}), known({0, 0, 4, 16})}), "f32[N, T, 4, 16]");
  EXPECT_EQ(inferred("ReshapeAny", {x({"N", 4}), known({2, 4})}), "f32[\"?\", 4]");  // certain in a run alone
  EXPECT_EQ(inferred("ReshapeAny", {x({"N", 4}), indices({3})}), "f32[\"?\", \"?\", \"?\"]");
  EXPECT_EQ(inferred("ReshapeAny", {x({4}), indices({"R"})}), "f32[...]");
  EXPECT_EQ(inferred("ReshapeAny", {kUnranked, known({0, 5})}), "f32[\"?\", 5]");
  EXPECT_EQ(inferred("ReshapeAny", {x({0, 4}), known({0, 7})}, {{"allowzero", std::int64_t{1}}}),
            "f32[0, 7]");
  EXPECT_EQ(inferred("ReshapeAny", {x({1}), known({})}), "f32[]");
  EXPECT_THAT(refusal("ReshapeAny", {x({2, 3}), known({4, -1})}), testing::HasSubstr("does not divide"));
  EXPECT_THAT(refusal("ReshapeAny", {x({2, 3}), known({7})}), testing::HasSubstr("has not the elements"));
  EXPECT_THAT(refusal("ReshapeAny", {x({2, 3}), known({-1, -1})}), testing::HasSubstr("more than one -1"));
  EXPECT_THAT(refusal("ReshapeAny", {x({2, 3}), known({6, 1, 0})}), testing::HasSubstr("has a 0"));
  EXPECT_THAT(refusal("ReshapeAny", {x({6}), known({-6, -1})}), testing::HasSubstr("the dimension -6"));
  EXPECT_THAT(refusal("ReshapeAny", {x({6}), x({1})}), testing::HasSubstr("must be i64"));
}

TEST(ArrayRules, ViewsAddAndDropAxes) {
  EXPECT_EQ(inferred("Unsqueeze", {x({"N", 4}), known({0, -1})}), "f32[1, N, 4, 1]");
  EXPECT_EQ(inferred("Unsqueeze", {x({4}), indices({2})}), "f32[\"?\", \"?\", \"?\"]");
  EXPECT_EQ(inferred("Squeeze", {x({1, "N", 1}), known({0, -1})}), "f32[N]");
  EXPECT_EQ(inferred("Squeeze", {x({1, 3, 1})}), "f32[3]");
  EXPECT_EQ(inferred("Squeeze", {x({1, "N"})}), "f32[...]");
  EXPECT_EQ(inferred("Squeeze", {x({"N", 3}), known({0})}), "f32[\"?\"]");  // N must be 1
  EXPECT_EQ(inferred("Flatten", {x({"N", 3, 4})}), "f32[N, 12]");
  EXPECT_EQ(inferred("Flatten", {x({2, 3, 4})}, {{"axis", std::int64_t{0}}}), "f32[1, 24]");
  EXPECT_THAT(refusal("Unsqueeze", {x({4}), known({0, 0})}), testing::HasSubstr("given twice"));
  EXPECT_THAT(refusal("Unsqueeze", {x({4}), known({5})}), testing::HasSubstr("axis 5"));
  EXPECT_THAT(refusal("Squeeze", {x({2, 3}), known({1})}), testing::HasSubstr("must be 1"));
  EXPECT_THAT(refusal("Flatten", {x({2, 3})}, {{"axis", std::int64_t{3}}}), testing::HasSubstr("axis is 3"));
}

TEST(ArrayRules, JoinAndPartAlongAnAxis) {
  EXPECT_EQ(inferred("Concat", {x({2, 3}), x({2, 5})}, {{"axis", std::int64_t{1}}}), "f32[2, 8]");
  EXPECT_EQ(inferred("Concat", {x({"N", 3}), x({4, 5})}, {{"axis", std::int64_t{1}}}), "f32[\"?\", 8]");
  EXPECT_EQ(inferred("Concat", {x({"N", 3}), kUnranked}, {{"axis", std::int64_t{-1}}}), "f32[\"?\", \"?\"]");
  EXPECT_EQ(inferred("Split", {x({6, 2})}, {{"outputs", std::int64_t{3}}}), "f32[2, 2] f32[2, 2] f32[2, 2]");
  EXPECT_EQ(inferred("Split", {x({7})}, {{"outputs", std::int64_t{3}}, {"num_outputs", std::int64_t{3}}}),
            "f32[3] f32[3] f32[1]");
  EXPECT_EQ(inferred("Split", {x({7}), known({0, 7})}, {{"outputs", std::int64_t{2}}}), "f32[0] f32[7]");
  EXPECT_THAT(refusal("Concat", {x({2, 3}), x({4, 3})}, {{"axis", std::int64_t{1}}}),
              testing::HasSubstr("dimension 0 must be 2"));
  EXPECT_THAT(refusal("Concat", {x({2}), indices({2})}, {{"axis", std::int64_t{0}}}),
              testing::HasSubstr("must be f32"));
  EXPECT_THAT(refusal("Split", {x({7})}, {{"outputs", std::int64_t{2}}}),
              testing::HasSubstr("does not divide"));
  EXPECT_THAT(refusal("Split", {x({7}), known({3, 5})}, {{"outputs", std::int64_t{2}}}),
              testing::HasSubstr("the sum 7"));
}

TEST(ArrayRules, SliceAndTranspose) {
  EXPECT_EQ(inferred("Slice", {x({10, "N"}), known({2, 0}), known({8, kMaxDim})}), "f32[6, N]");
  EXPECT_EQ(inferred("Slice", {x({10, "N"}), known({1}), known({5}), known({-1})}), "f32[10, \"?\"]");
  EXPECT_EQ(inferred("Slice", {x({10, 4}), indices({1}), indices({1}), known({1})}), "f32[10, \"?\"]");
  EXPECT_EQ(inferred("Slice", {x({10}), known({-1}), known({-20}), known({0}), known({-2})}), "f32[5]");
  EXPECT_EQ(inferred("TransposeAny", {x({2, "N", 4})}, {{"perm", "2, 0, 1"}}), "f32[4, 2, N]");
  EXPECT_THAT(refusal("Slice", {x({10}), known({0}), known({5}), known({0}), known({0})}),
              testing::HasSubstr("a step of 0"));
  EXPECT_THAT(refusal("Slice", {x({10}), known({0, 0}), known({5, 5}), known({0, -1})}),
              testing::HasSubstr("more axes than data"));
  EXPECT_THAT(refusal("Slice", {x({9, 9}), known({0, 0}), known({5, 5}), known({1, -1})}),
              testing::HasSubstr("an axis twice"));
  EXPECT_THAT(refusal("TransposeAny", {x({2, 3})}, {{"perm", "0, 0"}}), testing::HasSubstr("no permutation"));
}

TEST(ArrayRules, TakeSizesFromInputs) {
  EXPECT_EQ(inferred("ExpandAny", {x({3, 1}), known({2, 1, 6})}), "f32[2, 3, 6]");
  EXPECT_EQ(inferred("ExpandAny", {x({"N", 1}), known({4, 6})}), "f32[\"?\", 6]");
  EXPECT_EQ(inferred("Tile", {x({3, "N"}), known({2, 1})}), "f32[6, N]");
  EXPECT_EQ(inferred("Pad", {x({3, "N"}), known({1, 0, -2, 0})}), "f32[2, N]");
  EXPECT_EQ(inferred("ConstantOfShape", {known({2, 3}), x({1})}), "f32[2, 3]");
  EXPECT_EQ(inferred("ConstantOfShape", {indices({2}), x({1})}), "f32[\"?\", \"?\"]");
  EXPECT_EQ(inferred("Range", {known({10}), known({0}), known({-3})}), "i64[4]");
  EXPECT_EQ(inferred("Range", {indices({}), indices({}), indices({})}), "i64[\"?\"]");
  EXPECT_EQ(inferred("OneHot", {indices({"N"}), known({5}), x({2})}), "f32[N, 5]");
  EXPECT_EQ(inferred("CenterCropPad", {x({4, 5, 6}), known({9})}, {{"axes", "-1"}}), "f32[4, 5, 9]");
  EXPECT_THAT(refusal("ExpandAny", {x({3}), known({4})}), testing::HasSubstr("does not broadcast"));
  EXPECT_THAT(refusal("Tile", {x({3}), known({2, 2})}), testing::HasSubstr("a number for each axis"));
  EXPECT_THAT(refusal("Pad", {x({3}), known({-2, -2})}), testing::HasSubstr("does not fit"));
  EXPECT_THAT(refusal("Pad", {x({3}), known({1, 1, 1})}), testing::HasSubstr("two numbers for each axis"));
  EXPECT_THAT(refusal("Pad", {x({3}), known({1, 1})}, {{"mode", "odd"}}), testing::HasSubstr("\"odd\""));
  EXPECT_THAT(refusal("Pad", {x({0}), known({1, 1})}, {{"mode", "edge"}}), testing::HasSubstr("no elements"));
  EXPECT_THAT(refusal("ConstantOfShape", {known({-1}), x({1})}), testing::HasSubstr("the dimension -1"));
  EXPECT_THAT(refusal("Range", {known({0}), known({1}), known({0})}), testing::HasSubstr("must not be 0"));
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  EXPECT_THAT(refusal("Range", {known({-kMost}), known({kMost}), known({1})}), testing::HasSubstr("2^48"));
  EXPECT_THAT(refusal("OneHot", {indices({3}), known({-1}), x({2})}), testing::HasSubstr("no dimension"));
}

TEST(ArrayRules, FollowSizes) {
  const Dim rows = product_of(Dim("N"), Dim("T"));
  const auto gives = [](std::string_view op, const std::vector<Given>& inputs) {
    return inferred(op, inputs);
  };
  EXPECT_EQ(gives("ReshapeAny", {x({"N", "T", 8}), sizes({rows, 8})}), "f32[\"(N*T)\", 8]");
  EXPECT_EQ(gives("ReshapeAny", {x({rows, 8}), sizes({"N", -1, 2, 4})}), "f32[N, T, 2, 4]");
  EXPECT_EQ(gives("ReshapeAny", {x({rows, 8}), sizes({"N", "N", -1})}), "f32[N, N, \"?\"]");
  EXPECT_EQ(gives("ReshapeAny", {x({"N", 8}), sizes({"T", 8})}), "f32[\"?\", 8]");
  EXPECT_EQ(gives("ReshapeAny", {x({"N", 8}), sizes({difference_of("N", "T"), 8})}),
            "f32[\"?\", 8]");  // may be -1
  EXPECT_EQ(gives("ReshapeAny", {x({"N", 8}), sizes({Dim::unknown(), 8})}), "f32[\"?\", 8]");
  EXPECT_EQ(gives("Flatten", {x({"N", "T", 8})}), "f32[N, \"(8*T)\"]");
  EXPECT_EQ(gives("ExpandAny", {x({"N", 1, 1, "T"}), sizes({"N", 1, "T", "T"})}), "f32[N, 1, T, T]");
  EXPECT_EQ(gives("ConstantOfShape", {sizes({"N", rows}), x({1})}), "f32[N, \"(N*T)\"]");
  EXPECT_EQ(gives("Range", {size(0), size("T"), size(1)}), "i64[T]");
  EXPECT_EQ(gives("Range", {size("N"), size(sum_of("N", "T")), size(2)}), "i64[\"((T+1)/2)\"]");
  EXPECT_EQ(gives("Range", {size("N"), size("T"), size(1)}), "i64[\"?\"]");  // N may be above T
  EXPECT_EQ(gives("Tile", {x({1, "T"}), sizes({"N", 2})}), "f32[N, \"(2*T)\"]");
  EXPECT_EQ(gives("Pad", {x({3, "N"}), known({0, 1, 0, 1})}), "f32[3, \"(N+2)\"]");
  EXPECT_EQ(gives("Pad", {x({3, "N"}), known({0, -3, 0, 1})}), "f32[3, \"?\"]");
  EXPECT_EQ(gives("Slice", {x({1, 512}), known({0}), sizes({"T"}), known({1})}), "f32[1, T]");
  EXPECT_EQ(gives("Slice", {x({1, 511}), known({0}), sizes({"T"}), known({1})}), "f32[1, \"?\"]");
  EXPECT_EQ(gives("Slice", {x({"T"}), known({1}), known({kMaxDim})}), "f32[\"(T-1)\"]");
  EXPECT_EQ(gives("Slice", {x({"T"}), known({2}), known({kMaxDim})}), "f32[\"?\"]");
  EXPECT_EQ(gives("Slice", {x({"T"}), known({-1}), known({kMaxDim})}), "f32[1]");
  EXPECT_EQ(gives("Slice", {x({"T"}), known({0}), known({-1})}), "f32[\"(T-1)\"]");
  EXPECT_EQ(gives("Slice", {x({"T"}), known({0}), known({kMaxDim}), known({0}), known({2})}),
            "f32[\"((T+1)/2)\"]");
  EXPECT_EQ(gives("Slice", {x({"T"}), known({-1}), known({-kMaxDim}), known({0}), known({-1})}), "f32[T]");
  EXPECT_EQ(inferred("Concat", {x({"N", 3}), x({"N", "T"})}, {{"axis", std::int64_t{1}}}),
            "f32[N, \"(T+3)\"]");
  EXPECT_EQ(inferred("Split", {x({product_of(4, "T")})}, {{"outputs", std::int64_t{2}}}),
            "f32[\"(2*T)\"] f32[\"(2*T)\"]");
}

TEST(ArrayRules, SizesAreWhatTheirExpressionsSay) {
  const auto given = [](const char* elements, std::int64_t rank, const char* to) {
    return Attributes{{"elements", elements}, {"rank", rank}, {"to", to}};
  };
  EXPECT_EQ(inferred("Sizes", {x({"N", 4})}, given("d0.0, (2*d0.0*d0.1), 7", 1, "i64")), "i64[3]");
  EXPECT_EQ(inferred("Sizes", {x({"N", 4})}, given("d0.1", 0, "i32")), "i32[]");
  const auto refused = [&](const char* elements, std::int64_t rank, const char* to, const char* why) {
    EXPECT_THAT(refusal("Sizes", {x({"N", 4})}, given(elements, rank, to)), testing::HasSubstr(why));
  };
  refused("d0.2", 1, "i64", "3 or more dimensions");
  refused("d1.0", 1, "i64", "no dimension of an input");
  refused("N", 1, "i64", "no dimension of an input");
  refused("(d0.0", 1, "i64", "no sum of products");
  refused("(d0.1+d0.0)", 1, "i64", "is to be written");
  refused("", 1, "i64", "1 to 64");
  refused("d0.0, d0.1", 0, "i64", "more than one");
  refused("d0.0", 2, "i64", "rank is 2");
  refused("d0.0", 1, "f32", "i64, i32 or bool");
}

TEST(ArrayRules, IndexData) {
  EXPECT_EQ(inferred("GatherAny", {x({"N", 5, 6}), indices({2, "K"})}, {{"axis", std::int64_t{1}}}),
            "f32[N, 2, K, 6]");
  EXPECT_EQ(inferred("GatherElements", {x({4, 5}), indices({3, 9})}, {{"axis", std::int64_t{1}}}),
            "f32[3, 9]");
  EXPECT_EQ(inferred("GatherElements", {x({"N", 5}), indices({3, 9})}, {{"axis", std::int64_t{1}}}),
            "f32[\"?\", 9]");  // N must be 3 or more
  EXPECT_EQ(inferred("GatherND", {x({2, 3, 4}), indices({2, 7, 1})}, {{"batch_dims", std::int64_t{1}}}),
            "f32[2, 7, 4]");
  EXPECT_EQ(inferred("ScatterND", {x({4, 5}), indices({3, 1}), x({3, 5})}), "f32[4, 5]");
  EXPECT_EQ(inferred("ScatterND", {x({4, 5}), indices({"N", 1}), x({3, 5})}), "f32[\"?\", 5]");
  EXPECT_EQ(inferred("ScatterElements", {x({4, 5}), indices({1, 5}), x({1, 5})}), "f32[4, 5]");
  EXPECT_EQ(inferred("TensorScatter", {x({2, 8, 4}), x({2, 3, 4}), indices({2})}), "f32[2, 8, 4]");
  EXPECT_THAT(refusal("GatherAny", {x({4}), x({1})}), testing::HasSubstr("must be i64, i32"));
  EXPECT_THAT(refusal("GatherAny", {x({}), indices({1})}), testing::HasSubstr("at least one dimension"));
  EXPECT_THAT(refusal("GatherElements", {x({4, 5}), indices({5, 5})}, {{"axis", std::int64_t{1}}}),
              testing::HasSubstr("at most 4"));
  EXPECT_THAT(refusal("GatherND", {x({2, 3}), indices({2, 3})}), testing::HasSubstr("more axes than data"));
  EXPECT_THAT(refusal("ScatterND", {x({4, 5}), indices({3, 1}), x({3, 4})}), testing::HasSubstr("must be 5"));
  EXPECT_THAT(refusal("ScatterElements", {x({4}), indices({2}), x({3})}), testing::HasSubstr("must be 2"));
  EXPECT_THAT(refusal("ScatterElements", {x({4}), indices({2}), x({2})}, {{"reduction", "odd"}}),
              testing::HasSubstr("\"odd\""));
  EXPECT_THAT(refusal("TensorScatter", {x({2, 8, 4}), x({2, 9, 4})}), testing::HasSubstr("at most 8"));
  EXPECT_THAT(refusal("TensorScatter", {x({2, 8}), x({2, 3})}), testing::HasSubstr("that of the batch"));
}

TEST(ArrayRules, OrderAndCount) {
  EXPECT_EQ(inferred("ArgMin", {x({"N", 5})}, {{"axis", std::int64_t{-1}}}), "i64[N, 1]");
  EXPECT_EQ(inferred("ArgMaxAny", {x({3, 5})}, {{"keepdims", std::int64_t{0}}}), "i64[5]");
  EXPECT_EQ(inferred("TopKAny", {x({3, 5}), known({2})}), "f32[3, 2] i64[3, 2]");
  EXPECT_EQ(inferred("TopKAny", {x({3, "N"}), known({2})}), "f32[3, \"?\"] i64[3, \"?\"]");
  EXPECT_EQ(inferred("CumSum", {x({3, "N"}), known({1})}), "f32[3, N]");
  EXPECT_EQ(inferred("NonZero", {known({0, 3, 0, 1})}), "i64[1, 2]");
  EXPECT_EQ(inferred("NonZero", {x({2, 3})}), "i64[2, \"?\"]");
  EXPECT_EQ(
      inferred("Unique", {known({5, 2, 5, 5})}, {{"axis", std::int64_t{0}}, {"outputs", std::int64_t{4}}}),
      "i64[2] i64[2] i64[4] i64[2]");
  EXPECT_EQ(inferred("NonMaxSuppression", {x({1, 6, 4}), x({1, 2, 6})}), "i64[\"?\", 3]");
  EXPECT_THAT(refusal("ArgMin", {x({3, 0})}, {{"axis", std::int64_t{1}}}), testing::HasSubstr("no elements"));
  EXPECT_THAT(refusal("TopKAny", {x({3, 5}), known({6})}), testing::HasSubstr("6 is not 0 to 5"));
  EXPECT_THAT(refusal("CumSum", {x({3}), known({1})}), testing::HasSubstr("axis 1"));
  EXPECT_THAT(refusal("NonMaxSuppression", {x({1, 6, 5}), x({1, 2, 6})}), testing::HasSubstr("must be 4"));
  EXPECT_THAT(refusal("NonMaxSuppression", {x({1, 6, 4}), x({1, 2, 7})}), testing::HasSubstr("must be 6"));
}

TEST(ArrayRules, RearrangeImagesAndSequences) {
  EXPECT_EQ(inferred("DepthToSpace", {x({"N", 12, 3, 5})}, {{"blocksize", std::int64_t{2}}}),
            "f32[N, 3, 6, 10]");
  EXPECT_EQ(inferred("SpaceToDepth", {x({"N", 3, 6, 10})}, {{"blocksize", std::int64_t{2}}}),
            "f32[N, 12, 3, 5]");
  EXPECT_EQ(inferred("ReverseSequence", {x({4, "N"}), indices({"N"})}), "f32[4, N]");
  EXPECT_EQ(inferred("Trilu", {x({"N", 3, 4})}), "f32[N, 3, 4]");
  EXPECT_EQ(inferred("Shape", {x({"N", 3, 4})}, {{"start", std::int64_t{-2}}}), "i64[2]");
  EXPECT_EQ(inferred("Size", {x({"N", 3, 4})}), "i64[]");
  EXPECT_THAT(refusal("DepthToSpace", {x({1, 6, 3, 5})}, {{"blocksize", std::int64_t{2}}}),
              testing::HasSubstr("a multiple of 4"));
  EXPECT_THAT(refusal("SpaceToDepth", {x({1, 6, 3, 5})}, {{"blocksize", std::int64_t{0}}}),
              testing::HasSubstr("blocksize is 0"));
  EXPECT_THAT(refusal("ReverseSequence", {x({4, 5}), indices({4})}), testing::HasSubstr("must be 5"));
  EXPECT_THAT(refusal("ReverseSequence", {x({4, 5}), indices({5})}, {{"time_axis", std::int64_t{1}}}),
              testing::HasSubstr("must differ"));
  EXPECT_THAT(refusal("Trilu", {x({4})}), testing::HasSubstr("2 or more dimensions"));
}

}  // namespace
}  // namespace lathe
