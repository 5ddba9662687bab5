// Pass tests: a graph in text before, the text expected behind the pass, compared by structure: computed
// values and nodes may be named differently; inputs, states, constants and outputs may not.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "passes/pass.h"

namespace lathe {

/// The text form with computed values named v0, v1, ... in order of definition, and nodes after them.
inline std::string canonical_text(Graph graph) {
  int count = 0;
  for (auto& node : graph.nodes) {
    for (const auto id : node.outputs) graph.value(id).name = "v" + std::to_string(count++);
    node.name = graph.value(node.outputs[0]).name;
  }
  return print(graph);
}

/// Runs `pass` on `before`, verifies the graph, and compares it with `expected`. The pass must say truly
/// whether it changed the graph, and change nothing when it runs again. `expected_constant` is for graphs
/// whose types depend on what constants hold.
inline void expect_rewrite(bool (*pass)(Graph&, const PassContext&), std::string_view before,
                           std::string_view expected, const PassContext& context = {},
                           const FindConstant& find_constant = nullptr,
                           const FindConstant& expected_constant = nullptr) {
  Graph graph = parse_graph(before, find_constant);
  verify(graph, "before");
  const auto text_before = print(graph);
  const bool changed = pass(graph, context);
  verify(graph, "the pass");
  EXPECT_EQ(canonical_text(graph), canonical_text(parse_graph(expected, expected_constant)));
  EXPECT_EQ(changed, print(graph) != text_before);
  EXPECT_FALSE(pass(graph, context)) << "the pass changes its own result";
}

}  // namespace lathe
