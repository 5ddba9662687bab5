// Chains of shapes become one node each; what they cannot be said to be stays.
#include <gmock/gmock.h>

#include "graph/size_values.h"
#include "passes/before_expected.h"
#include "passes/compute_sizes.h"
#include "passes/pipeline.h"

namespace lathe {
namespace {

/// Constants that hold the number in their name: "two" and so on.
std::pair<TensorView, std::shared_ptr<const void>> named_number(const std::string& name,
                                                                const ValueType& type) {
  const std::map<std::string, std::int64_t> kNumbers = {{"zero", 0}, {"one", 1}, {"two", 2}, {"eight", 8}};
  Shape shape;
  for (const auto& dim : type.dims) shape.push_back(dim.value);
  auto number = std::make_shared<const std::int64_t>(kNumbers.at(name));
  return {{reinterpret_cast<const std::byte*>(number.get()), Dtype::i64, shape}, number};
}

TEST(ComputeSizes, TakesThemFromInputs) {
  expect_rewrite(compute_sizes,
                 R"(graph g {
    %x: f32[N, T, 4] = input
    %one: i64[1] = constant
    %two: i64[1] = constant
    %shape: i64[3] = Shape(%x)
    %length: i64[1] = GatherAny(%shape, %one)
    %more: i64[1] = AddAny(%length, %one)
    %half: i64[1] = DivAny(%more, %two)
    %all: i64[4] = Concat(%shape, %half) { axis = 0 }
    return all = %all
  })",
                 R"graph(graph g {
    %x: f32[N, T, 4] = input
    %one: i64[1] = constant
    %two: i64[1] = constant
    %shape: i64[3] = Sizes(%x) { elements = "d0.0, d0.1, 4", to = "i64" }
    %length: i64[1] = Sizes(%x) { elements = "d0.1", to = "i64" }
    %more: i64[1] = Sizes(%x) { elements = "(d0.1+1)", to = "i64" }
    %half: i64[1] = Sizes(%x) { elements = "((d0.1+1)/2)", to = "i64" }
    %all: i64[4] = Sizes(%x) { elements = "d0.0, d0.1, 4, ((d0.1+1)/2)", to = "i64" }
    return all = %all
  })graph",
                 {}, named_number);
}

TEST(ComputeSizes, LeavesWhatDependsOnMore) {
  constexpr std::string_view kGraph = R"(graph g {
    %x: f32[N, T] = input
    %given: i64[2] = input
    %shape: i64[2] = Shape(%x)
    %sum: i64[2] = AddAny(%shape, %given)
    %least: i64[2] = Min(%shape, %given)
    return sum = %sum, least = %least
  })";
  Graph graph = parse_graph(kGraph);
  compute_sizes(graph, {});
  EXPECT_EQ(graph.nodes[0].op->name, "Sizes");
  EXPECT_EQ(graph.nodes[1].op->name, "AddAny");
  EXPECT_EQ(graph.nodes[2].op->name, "Min");
}

TEST(ComputeSizes, NumbersAmongShapesAreConstants) {
  Graph graph = parse_graph(R"(graph g {
    %x: f32[N, 8] = input
    %one: i64[] = constant
    %shape: i64[2] = Shape(%x)
    %width: i64[] = GatherAny(%shape, %one)
    return width = %width
  })",
                            named_number);
  EXPECT_TRUE(fold_constants(graph, {}));
  verify(graph, "fold_constants");
  const Value& width = graph.value(graph.outputs[0]);
  EXPECT_EQ(width.kind, ValueKind::constant);
  EXPECT_EQ(elements_of(width.data), std::vector<Dim>{8});
}

TEST(ComputeSizes, TypesThatBecomeKnownAreForgottenWhereTheyDoNotFit) {
  // Both are [N, T] or the run fails; that "M" is N, no rule can know.
  Graph graph = parse_graph(R"(graph g {
    %x: f32[N, T] = input
    %y: f32[M, T] = input
    %shape: i64[2] = Shape(%x)
    %z: f32["?", "?"] = ReshapeAny(%x, %shape)
    %sum: f32["?", "?"] = Add(%z, %y)
    return sum = %sum
  })");
  fold_constants(graph, {});
  verify(graph, "fold_constants");
  EXPECT_EQ(to_string(graph.value(graph.outputs[0]).type), "f32[\"?\", \"?\"]");
}

}  // namespace
}  // namespace lathe
