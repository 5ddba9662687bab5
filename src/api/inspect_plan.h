// What `lathe inspect` shows of a plan and of the graph that it was made from.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "backend/plan.h"
#include "graph/graph.h"
#include "lathe/inspection.h"

namespace lathe {

/// Steps, profiles, weights, bindings and memory.
void inspect_plan(const Plan& plan, Inspection& inspection);

/// The nodes of `before`, each with the step that computes it. Behind inspect_plan(); fills in the steps'
/// sources.
void inspect_graph(const Graph& before, Inspection& inspection);

/// "a + b" is a and b.
std::vector<std::string> parts_of_name(std::string_view name);

/// The name with * for each part between dots that is a number: "blk.3.attn_q" becomes "blk.*.attn_q".
std::string kind_of(std::string_view name);

}  // namespace lathe
