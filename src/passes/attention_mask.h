// Whether a constant mask of attention says "causal": row i sees columns 0 to i.
#pragma once

#include "graph/graph.h"

namespace lathe {

/// A float32 mask that is added to scores [..., rows, columns]: 0 where seen, `hidden` or less elsewhere.
bool is_causal_addend(const Graph& graph, ValueId mask, const Dims& scores, float hidden);

/// An i8 condition over scores: not 0 where seen, or 0 there where `inverted`.
bool is_causal_condition(const Graph& graph, ValueId condition, const Dims& scores, bool inverted);

}  // namespace lathe
