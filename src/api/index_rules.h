// Which inputs of a program are indices, and what they may be. Kernels trust their indices; numbers that come
// from files are held against these rules before any kernel sees them.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "backend/plan.h"
#include "graph/graph.h"
#include "lathe/execute.h"

namespace lathe {

/// What rules are found in: a graph or a plan, reduced to its values and their uses.
struct IndexGraph {
  struct Item {
    std::string name;
    ValueKind kind = ValueKind::computed;
    ValueType type;
    const std::byte* data = nullptr;  // of constants that the host can read
  };
  struct Use {
    const Op* op = nullptr;
    std::string name;
    std::vector<std::int32_t> inputs, outputs;  // indices in items
  };
  std::vector<Item> items;
  std::vector<Use> uses;
};

IndexGraph index_graph(const Graph& graph);
IndexGraph index_graph(const Plan& plan);

struct IndexRule {
  enum class Kind {
    rows,          // each from 0 to below limit
    sequences,     // SequenceEntry (backend/cache_layout.h), together `limit` tokens
    block_tables,  // pages from 0 to below limit
  };
  Kind kind = Kind::rows;
  std::string input;
  Dim limit;
  std::string tables;   // of sequences: the input with their pages; empty: they need none
  std::string used_by;  // the node
};

/// Constant indices are checked at once. Throws Error(invalid_argument) for one out of range, and
/// Error(unsupported) where indices are computed and nothing shows that they stay in range.
std::vector<IndexRule> find_index_rules(const IndexGraph& graph);

using SizeOf = std::function<std::int64_t(const Dim& dim)>;

/// Throws Error(invalid_argument) naming the input, the element and what it may be.
void check_indices(std::span<const IndexRule> rules, const std::map<std::string, Tensor>& inputs,
                   const SizeOf& size_of);

}  // namespace lathe
