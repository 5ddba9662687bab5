// Kernels of ONNX's ops on arrays: what indices out of range do, what of equal elements and NaN comes first,
// and what is put around an array.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <stdexcept>

#include "backend/backend.h"
#include "base/cpu_features.h"
#include "cpu/kernels.h"
#include "graph/graph.h"
#include "graph/infer.h"
#include "tensor/tensor_view.h"

namespace lathe {
namespace {

using testing::ElementsAre;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

struct Array {
  Dtype dtype;
  Shape shape;
  std::vector<std::byte> bytes;

  template <class Element>
  std::vector<Element> as() const {
    std::vector<Element> elements(bytes.size() / sizeof(Element));
    std::memcpy(elements.data(), bytes.data(), bytes.size());
    return elements;
  }
  TensorView view() const { return {bytes.data(), dtype, shape}; }
  TensorArg argument() const {
    TensorArg result{const_cast<std::byte*>(bytes.data()),
                     {},
                     static_cast<std::int32_t>(shape.size()),
                     static_cast<std::int32_t>(dtype)};
    std::ranges::copy(shape, result.dims);
    return result;
  }
};

template <class Element>
Array array(Dtype dtype, Shape shape, const std::vector<Element>& elements) {
  Array result{dtype, std::move(shape), std::vector<std::byte>(elements.size() * sizeof(Element))};
  std::memcpy(result.bytes.data(), elements.data(), result.bytes.size());
  return result;
}

Array reals(Shape shape, const std::vector<float>& elements) {
  return array(Dtype::f32, std::move(shape), elements);
}
Array wholes(Shape shape, const std::vector<std::int64_t>& elements) {
  return array(Dtype::i64, std::move(shape), elements);
}

struct Outcome {
  std::vector<Array> outputs;
  bool fault = false;

  std::vector<float> reals(std::size_t i = 0) const { return outputs.at(i).as<float>(); }
  std::vector<std::int64_t> wholes(std::size_t i = 0) const { return outputs.at(i).as<std::int64_t>(); }
};

/// The node as a run does it: the rule says what there will be, and the kernel of a plan computes it.
Outcome run_op(std::string_view op, const std::vector<Array>& inputs, const Attributes& attributes = {}) {
  static const std::vector<Kernel> kKernels = cpu_kernels(detected_isa());
  Node node;
  node.op = find_op(op);
  node.attributes = complete_attributes(*node.op, attributes);
  std::vector<ValueType> types;
  std::vector<TensorView> values;
  std::vector<TensorArg> arguments;
  for (const auto& input : inputs) {
    types.push_back({input.dtype, {input.shape.begin(), input.shape.end()}});
    values.push_back(input.view());
    arguments.push_back(input.argument());
  }
  const auto result_types = infer_types(node, {types, values});
  const Kernel* kernel = find_kernel(kKernels, {types, result_types, &node});
  if (kernel == nullptr) throw std::runtime_error("no kernel of " + std::string(op));
  Outcome outcome;
  std::vector<TensorArg> results;
  for (const auto& type : result_types) {
    Array output{type.dtype, {}, {}};
    for (const auto& dim : type.dims) output.shape.push_back(dim.value);
    output.bytes.resize(dense_bytes(output.dtype, output.shape));
    outcome.outputs.push_back(std::move(output));
  }
  for (const auto& output : outcome.outputs) results.push_back(output.argument());
  std::vector<AttributeValue> given;
  for (const auto& spec : node.op->attributes) {
    if (spec.kind == AttributeKind::integer)
      given.push_back({.integer = node.integer(spec.name)});
    else
      given.push_back({.text = node.text(spec.name).c_str()});
  }
  std::vector<std::int64_t> scratch(64);
  std::int32_t fault = 0;
  KernelCall call{arguments.data(),
                  results.data(),
                  given.data(),
                  scratch.data(),
                  static_cast<std::int32_t>(arguments.size()),
                  0,
                  1};
  call.fault = &fault;
  kernel->run(call);
  outcome.fault = fault != 0;
  return outcome;
}

TEST(ArrayKernels, IndicesOutOfRangeAreFaults) {
  const Array x = reals({3, 2}, {1, 2, 3, 4, 5, 6});
  const auto gathered = run_op("GatherAny", {x, wholes({3}, {-1, 3, 0})});
  EXPECT_TRUE(gathered.fault);
  EXPECT_THAT(gathered.reals(), ElementsAre(5, 6, 0, 0, 1, 2));
  EXPECT_FALSE(run_op("GatherAny", {x, wholes({2}, {-3, 2})}).fault);
  constexpr auto kLeast = std::numeric_limits<std::int64_t>::min();
  EXPECT_TRUE(run_op("GatherElements", {x, wholes({1, 2}, {0, kLeast})}).fault);
  EXPECT_TRUE(run_op("GatherND", {x, wholes({1, 2}, {0, 2})}).fault);
  const auto put = run_op("ScatterElements", {x, wholes({1, 2}, {7, 1}), reals({1, 2}, {8, 9})});
  EXPECT_TRUE(put.fault);
  EXPECT_THAT(put.reals(), ElementsAre(1, 2, 3, 9, 5, 6));
  const auto rows = run_op("ScatterND", {x, wholes({2, 1}, {-4, -1}), reals({2, 2}, {7, 7, 8, 9})});
  EXPECT_TRUE(rows.fault);
  EXPECT_THAT(rows.reals(), ElementsAre(1, 2, 3, 4, 8, 9));
}

TEST(ArrayKernels, PlacesBeyondACacheAreFaultsUnlessItIsCircular) {
  const Array cache = reals({1, 3, 1}, {1, 2, 3});
  const Array update = reals({1, 2, 1}, {8, 9});
  EXPECT_TRUE(run_op("TensorScatter", {cache, update, wholes({1}, {2})}).fault);
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  EXPECT_TRUE(run_op("TensorScatter", {cache, update, wholes({1}, {kMost})}).fault);
  EXPECT_TRUE(run_op("TensorScatter", {cache, update, wholes({1}, {-1})}).fault);
  const auto around = run_op("TensorScatter", {cache, update, wholes({1}, {2})}, {{"mode", "circular"}});
  EXPECT_FALSE(around.fault);
  EXPECT_THAT(around.reals(), ElementsAre(9, 2, 8));
}

TEST(ArrayKernels, SequencesMustFit) {
  const Array x = reals({3, 2}, {1, 2, 3, 4, 5, 6});
  const auto reversed = run_op("ReverseSequence", {x, wholes({2}, {2, 3})});
  EXPECT_FALSE(reversed.fault);
  EXPECT_THAT(reversed.reals(), ElementsAre(3, 6, 1, 4, 5, 2));
  EXPECT_TRUE(run_op("ReverseSequence", {x, wholes({2}, {4, 0})}).fault);
  EXPECT_TRUE(run_op("ReverseSequence", {x, wholes({2}, {-1, 0})}).fault);
}

TEST(ArrayKernels, PadByEveryMode) {
  const Array x = reals({3}, {1, 2, 3});
  const auto padded = [&x](const char* mode, std::int64_t before, std::int64_t behind) {
    return run_op("Pad", {x, wholes({2}, {before, behind}), reals({}, {7})}, {{"mode", mode}}).reals();
  };
  EXPECT_THAT(padded("constant", 1, 2), ElementsAre(7, 1, 2, 3, 7, 7));
  EXPECT_THAT(padded("edge", 1, 2), ElementsAre(1, 1, 2, 3, 3, 3));
  EXPECT_THAT(padded("reflect", 3, 2), ElementsAre(2, 3, 2, 1, 2, 3, 2, 1));
  EXPECT_THAT(padded("wrap", 4, 1), ElementsAre(3, 1, 2, 3, 1, 2, 3, 1));
  EXPECT_THAT(padded("reflect", -1, 2), ElementsAre(2, 3, 2, 3));
  EXPECT_THAT(padded("constant", -2, -1), testing::IsEmpty());
}

TEST(ArrayKernels, TheFirstOfEqualElementsWins) {
  const Array x = reals({5}, {1, 3, 2, 3, 1});
  EXPECT_THAT(run_op("ArgMaxAny", {x}).wholes(), ElementsAre(1));
  EXPECT_THAT(run_op("ArgMaxAny", {x}, {{"select_last_index", std::int64_t{1}}}).wholes(), ElementsAre(3));
  EXPECT_THAT(run_op("ArgMin", {x}).wholes(), ElementsAre(0));
  EXPECT_THAT(run_op("Hardmax", {x}).reals(), ElementsAre(0, 1, 0, 0, 0));
  const auto top = run_op("TopKAny", {x, wholes({1}, {4})});
  EXPECT_THAT(top.reals(), ElementsAre(3, 3, 2, 1));
  EXPECT_THAT(top.wholes(1), ElementsAre(1, 3, 2, 0));
}

TEST(ArrayKernels, NanIsGreatestAndFound) {
  const Array x = reals({4}, {1, kNan, 5, kNan});
  EXPECT_THAT(run_op("ArgMaxAny", {x}).wholes(), ElementsAre(1));
  EXPECT_THAT(run_op("ArgMin", {x}).wholes(), ElementsAre(1));
  EXPECT_THAT(run_op("TopKAny", {x, wholes({1}, {3})}).wholes(1), ElementsAre(1, 3, 2));
  const auto unique = run_op("Unique", {x}, {{"axis", std::int64_t{0}}, {"outputs", std::int64_t{4}}});
  EXPECT_THAT(unique.wholes(1), ElementsAre(0, 2, 1));  // 1, 5, NaN
  EXPECT_THAT(unique.wholes(3), ElementsAre(1, 1, 2));
}

TEST(ArrayKernels, SumsOfWholeNumbersWrap) {
  const Array x = array<std::int8_t>(Dtype::i8, {3}, {100, 100, 1});
  EXPECT_THAT(run_op("CumSum", {x, wholes({}, {0})}).outputs[0].as<std::int8_t>(),
              ElementsAre(100, -56, -55));
  EXPECT_THAT(run_op("CumProd", {x, wholes({}, {0})}).outputs[0].as<std::int8_t>(), ElementsAre(100, 16, 16));
  const auto added =
      run_op("ScatterElements", {x, wholes({2}, {1, 1}), array<std::int8_t>(Dtype::i8, {2}, {20, 20})},
             {{"reduction", "add"}});
  EXPECT_THAT(added.outputs[0].as<std::int8_t>(), ElementsAre(100, -116, 1));
}

TEST(ArrayKernels, BoxesThatOverlapABetterOneAreLeftOut) {
  const Array boxes = reals({1, 4, 4}, {0, 0, 2, 2, 2, 2, 0, 0.1F, 5, 5, 6, 6, 5, 5, 6, 6});
  const Array scores = reals({1, 1, 4}, {0.5F, 0.9F, 0.7F, kNan});
  const auto kept = run_op("NonMaxSuppression", {boxes, scores, wholes({1}, {9}), reals({1}, {0.5F})});
  EXPECT_THAT(kept.wholes(), ElementsAre(0, 0, 1, 0, 0, 2));
  EXPECT_THAT(run_op("NonMaxSuppression", {boxes, scores}).wholes(), testing::IsEmpty());  // none asked for
}

TEST(ArrayKernels, SlicesGoBackwards) {
  const Array x = reals({2, 3}, {1, 2, 3, 4, 5, 6});
  const auto sliced = run_op(
      "Slice", {x, wholes({2}, {-1, 5}), wholes({2}, {-9, -9}), wholes({2}, {0, 1}), wholes({2}, {-1, -2})});
  EXPECT_THAT(sliced.reals(), ElementsAre(6, 4, 3, 1));
}

TEST(ArrayKernels, OneHotTakesPlacesFromTheBackAndLeavesOthersOut) {
  const auto hot = run_op("OneHot", {wholes({3}, {-1, 5, 0}), wholes({1}, {3}), reals({2}, {2, 9})});
  EXPECT_FALSE(hot.fault);
  EXPECT_THAT(hot.reals(), ElementsAre(2, 2, 9, 2, 2, 2, 9, 2, 2));
}

}  // namespace
}  // namespace lathe
