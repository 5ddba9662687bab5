// What rewriting passes share: rules of a pattern and what takes its place, and changes of single nodes.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "passes/pattern.h"

namespace lathe {

/// A node that gives the value of a pattern's outermost node.
struct Replacement {
  std::string_view op;
  std::vector<ValueId> inputs;
  Attributes attributes;
};

struct Rule {
  NodePattern pattern;
  /// Empty where the match is not what it looks like.
  std::optional<Replacement> (*replacement)(const Graph& graph, const Match& match);
};

/// Applies the rules until none matches, the graph's last nodes and the first rules first. A replacement that
/// the op refuses, or that has another type than the pattern, is none.
bool apply_rules(Graph& graph, std::span<const Rule> rules);

/// The node computes this instead, under its name. False, and nothing has changed, where the op refuses the
/// inputs or gives another type.
bool replace_node(Graph& graph, std::size_t position, const Replacement& replacement);

/// Whoever uses the output of the node at `position` uses this value of the same type instead, and the node
/// goes. False, and nothing has changed, where that may not be: the graph returns it and the value is given
/// from outside, or it would be a state that may change before it is used.
bool stand_in(Graph& graph, std::size_t position, ValueId value);

/// A new node in front of the one at `position`, which it pushes back.
ValueId insert_node(Graph& graph, std::size_t position, std::string_view op, std::vector<ValueId> inputs,
                    Attributes attributes);

/// An input that is left out: a constant of type `none`.
ValueId absent(Graph& graph);

/// Removes the pure nodes whose outputs nothing uses any more. Values stay.
void remove_unused_nodes(Graph& graph);

}  // namespace lathe
