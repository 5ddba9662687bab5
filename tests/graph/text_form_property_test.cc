// Random graphs print and parse to themselves; random and broken texts are graphs or Errors.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <array>

#include "base/error.h"
#include "graph/graph.h"

namespace lathe {
namespace {

std::string any_name() {
  return *rc::gen::nonEmpty(
      rc::gen::oneOf(rc::gen::container<std::string>(rc::gen::element('a', 'b', 'Z', '_', '.', '0', '9')),
                     rc::gen::container<std::string>(rc::gen::arbitrary<char>())));
}

ValueType any_type() {
  const auto dim = rc::gen::exec(
      [] { return *rc::gen::arbitrary<bool>() ? Dim(any_name()) : Dim(*rc::gen::inRange(0, 300)); });
  const auto rank = *rc::gen::inRange<std::size_t>(0, kMaxDims + 1);
  return {Dtype::f32, *rc::gen::container<Dims>(rank, dim)};
}

/// One random node over the values so far; ops whose inputs do not fit are refused, which is part of the
/// game.
void add_random_node(Graph& graph) {
  static constexpr std::array<std::string_view, 8> kOps = {"Add",  "Mul",        "Swish",  "Gelu",
                                                           "TopK", "SplitHeads", "Linear", "RotaryTable"};
  const auto op = *rc::gen::elementOf(kOps);
  const auto any_value = rc::gen::inRange<ValueId>(0, static_cast<ValueId>(graph.values.size()));
  const auto inputs =
      *rc::gen::container<std::vector<ValueId>>(static_cast<std::size_t>(find_op(op)->max_inputs), any_value);
  Attributes attributes;
  for (const auto& spec : find_op(op)->attributes) {
    if (spec.kind == AttributeKind::integer)
      attributes.emplace(spec.name, std::int64_t{*rc::gen::inRange(1, 9)});
    else if (spec.kind == AttributeKind::real)
      attributes.emplace(spec.name, *rc::gen::arbitrary<double>());
    else
      attributes.emplace(spec.name, any_name());
  }
  try {
    graph.add_node(op, *rc::gen::arbitrary<bool>() ? any_name() : std::string(), inputs, attributes);
  } catch (const Error& error) {
    RC_ASSERT(error.code() == ErrorCode::invalid_argument);
  }
}

Graph any_graph() {
  Graph graph;
  graph.name = *rc::gen::arbitrary<std::string>();
  const int sources = *rc::gen::inRange(1, 6);
  for (int i = 0; i < sources; ++i) {
    const auto kind = *rc::gen::element(ValueKind::input, ValueKind::state);
    try {
      graph.add_input(any_name(), any_type(), kind);
    } catch (const Error&) {  // the name is taken
    }
    const auto rows = *rc::gen::inRange(0, 40);
    graph.add_constant(any_name(), {nullptr, Dtype::q8_0, {rows, 64}}, nullptr);
  }
  graph.add_input("tokens_for_linear", {Dtype::f32, {"T", 64}});
  graph.add_input("positions_for_rotary", {Dtype::i32, {"T"}});
  graph.add_input("frequencies_for_rotary", {Dtype::f64, {4}});
  const int nodes = *rc::gen::inRange(0, 30);
  for (int i = 0; i < nodes; ++i) add_random_node(graph);
  const int outputs = *rc::gen::inRange(0, 4);
  for (int i = 0; i < outputs; ++i)
    graph.add_output(any_name() + std::to_string(i),
                     *rc::gen::inRange<ValueId>(0, static_cast<ValueId>(graph.values.size())));
  return graph;
}

TEST(TextFormProperty, RandomGraphsComeBack) {
  EXPECT_TRUE(rc::check([] {
    const Graph graph = any_graph();
    verify(graph, "random");
    const auto text = print(graph);
    const Graph again = parse_graph(text);
    verify(again, "parsed");
    RC_ASSERT(print(again) == text);
    RC_ASSERT(again.name == graph.name);
    RC_ASSERT(again.values.size() == graph.values.size());
    RC_ASSERT(again.nodes.size() == graph.nodes.size());
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
      RC_ASSERT(again.nodes[i].op == graph.nodes[i].op);
      RC_ASSERT(again.nodes[i].name == graph.nodes[i].name);
      RC_ASSERT(again.nodes[i].attributes == graph.nodes[i].attributes);
      for (std::size_t k = 0; k < graph.nodes[i].inputs.size(); ++k)
        RC_ASSERT(again.value(again.nodes[i].inputs[k]).name == graph.value(graph.nodes[i].inputs[k]).name);
    }
    RC_ASSERT(again.output_names == graph.output_names);
  }));
}

/// A graph that holds at once what it parsed, or an Error of the parser's kind.
void parses_or_refuses(const std::string& text) {
  try {
    verify(parse_graph(text), "parsed");
  } catch (const Error& error) {
    const std::string what = error.what();
    const bool state_order = what.find("after the state was written") != std::string::npos ||
                             what.find("which is no state") != std::string::npos;
    RC_ASSERT(error.code() == ErrorCode::invalid_argument || state_order);
  }
}

TEST(TextFormProperty, BrokenTextsAreErrors) {
  EXPECT_TRUE(rc::check([] { parses_or_refuses(*rc::gen::arbitrary<std::string>()); }));
  EXPECT_TRUE(rc::check([] {
    auto text = print(any_graph());
    const int changes = *rc::gen::inRange(1, 4);
    for (int i = 0; i < changes; ++i) {
      const auto at = *rc::gen::inRange<std::size_t>(0, text.size());
      text[at] = *rc::gen::oneOf(rc::gen::arbitrary<char>(),
                                 rc::gen::element('{', '}', '"', '%', '@', ',', '=', '0', '\\'));
    }
    parses_or_refuses(text);
  }));
}

TEST(TextFormProperty, DeepAndLongTextsAreErrors) {
  for (const char c : {'{', '[', '(', '%', '"', '#', '@', ',', '\\', '0', '\n'})
    EXPECT_THROW(parse_graph("graph g {\n%x: f32[" + std::string(1 << 20, c)), Error) << c;
  EXPECT_THROW(parse_graph(std::string((std::size_t{64} << 20) + 1, ' ')), Error);
}

}  // namespace
}  // namespace lathe
