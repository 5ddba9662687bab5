// The types of a node's outputs from what is known of its inputs: always their types, and where they are
// constants, or a run has come to the node, their elements too.
#pragma once

#include <span>
#include <vector>

#include "graph/graph.h"
#include "graph/size_elements.h"

namespace lathe {

/// What a shape rule is told. `values[i].data` is null where only a run knows input i's elements, or where
/// the op's row does not ask for them.
struct RuleInputs {
  std::span<const ValueType> types;
  std::span<const TensorView> values;
  std::span<const Elements> elements = {};  // what follows from dimensions where the run is not there yet
  const SymbolRanges* symbols = nullptr;    // null: nothing is known of them
};

/// Applies the rule of the node's op. Throws Error(invalid_argument) naming what does not fit.
std::vector<ValueType> infer_types(const Node& node, const RuleInputs& inputs);

/// The same for a node of the graph, with its constants' elements.
std::vector<ValueType> infer_types(const Graph& graph, const Node& node);

/// Whether `found` may be the type of what was expected to be `expected`: equal wherever both are known.
bool is_compatible(const ValueType& expected, const ValueType& found);

}  // namespace lathe
