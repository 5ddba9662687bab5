// Runs candidates of one kind of node as a plan would: a little graph of nodes of that kind, each with its
// own weights, so that weights come from memory and not from the processor's caches. Every candidate is a
// profile of the little plan, told apart by one more symbol.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "backend/backend.h"
#include "compile/candidates.h"
#include "compile/step_inputs.h"
#include "compile/tuning_options.h"

namespace lathe {

class NodeTrial {
 public:
  /// `nodes` are of one kind (node_key.h), indices in graph.nodes. `graph` and `backend` outlive this.
  NodeTrial(const Graph& graph, std::span<const std::size_t> nodes, Backend& backend,
            const SymbolValues& values, std::span<const KernelCandidate> candidates, TrialStates& states);

  /// Seconds for one node, the barrier before it included.
  double run(std::size_t candidate, const TuningOptions& options);

 private:
  struct Group {  // candidates with the same layouts
    std::unique_ptr<StepInputs> inputs;
    std::unique_ptr<ExecutionContext> context;
    std::vector<std::int64_t> symbols;  // the last one says which candidate
  };
  struct Member {
    std::size_t group;
    std::int64_t index;  // within it
  };

  Group make_group(const Graph& little, std::span<const KernelCandidate> candidates,
                   const SymbolValues& values, TrialStates& states);

  Backend& backend_;
  std::vector<Group> groups_;
  std::vector<Member> members_;  // of each candidate
  std::size_t nodes_ = 0;        // of the little graph
};

/// The little graph: the nodes with their weights, activations shared, states in order of writing.
Graph trial_graph(const Graph& graph, std::span<const std::size_t> nodes);

}  // namespace lathe
