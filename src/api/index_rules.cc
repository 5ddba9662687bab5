#include "api/index_rules.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "backend/cache_layout.h"
#include "base/error.h"

namespace lathe {
namespace {

constexpr int kNone = -1;

/// Where an op has its indices: positions among its inputs.
struct IndexInputs {
  std::string_view op;
  int rows = kNone;       // indices of rows of `table`
  int table = kNone;      // whose outermost dimension they stay below
  int sequences = kNone;  // of the rows of `tokens`
  int tokens = kNone;
  int block_tables = kNone;  // of the pages of `cache`
  int cache = kNone;         // kNone with block tables: output 0 is the cache
};

constexpr std::array kIndexInputs = {
    IndexInputs{.op = "Gather", .rows = 1, .table = 0},
    IndexInputs{.op = "ExpertLinear", .rows = 2, .table = 1},
    IndexInputs{.op = "QuantizedExpertLinear", .rows = 2, .table = 1},
    IndexInputs{.op = "SequenceMean", .sequences = 1, .tokens = 0},
    IndexInputs{.op = "KvScratch", .sequences = 2, .tokens = 0, .block_tables = 3},
    IndexInputs{.op = "KvWrite", .sequences = 3, .tokens = 1, .block_tables = 4, .cache = 0},
    IndexInputs{.op = "RotaryKvWrite", .sequences = 3, .tokens = 1, .block_tables = 4, .cache = 0},
    IndexInputs{.op = "PagedAttention", .sequences = 2, .tokens = 0, .block_tables = 3, .cache = 1},
    IndexInputs{.op = "RotaryTable"},  // any position has an angle
};

/// Outputs that are indices themselves, and stay below the columns of input 0.
struct IndexOutput {
  std::string_view op;
  std::size_t output;
};
constexpr std::array kIndexOutputs = {IndexOutput{"ArgMax", 0}, IndexOutput{"TopK", 1},
                                      IndexOutput{"SelectExperts", 1}};

[[noreturn]] void refuse(ErrorCode code, const std::string& input, const std::string& message) {
  throw Error(code, message, {{}, std::nullopt, input});
}

class RuleFinder {
 public:
  explicit RuleFinder(const IndexGraph& graph) : graph_(graph), writers_(graph.items.size(), nullptr) {
    for (const auto& use : graph.uses)
      for (const auto output : use.outputs) writers_[static_cast<std::size_t>(output)] = &use;
  }

  std::vector<IndexRule> run() {
    for (const auto& use : graph_.uses) {
      const auto row = std::ranges::find(kIndexInputs, use.op->name, &IndexInputs::op);
      if (row != kIndexInputs.end()) add(use, *row);
    }
    return std::move(rules_);
  }

 private:
  using Item = IndexGraph::Item;
  using Use = IndexGraph::Use;

  const Item& item(std::int32_t index) const { return graph_.items[static_cast<std::size_t>(index)]; }
  const Item& input(const Use& use, int position) const {
    return item(use.inputs.at(static_cast<std::size_t>(position)));
  }

  void add(const Use& use, const IndexInputs& row) {
    if (row.rows != kNone) {
      const auto& table = input(use, row.table);
      add_rows(use, use.inputs.at(static_cast<std::size_t>(row.rows)), table.type.dims.at(0));
    }
    if (row.sequences == kNone) return;
    IndexRule rule{IndexRule::Kind::sequences, given(use, row.sequences),
                   input(use, row.tokens).type.dims.at(0), "", use.name};
    if (row.block_tables != kNone) {
      rule.tables = given(use, row.block_tables);
      const auto& cache = row.cache == kNone ? item(use.outputs.at(0)) : input(use, row.cache);
      keep({IndexRule::Kind::block_tables, rule.tables, cache.type.dims.at(1), "", use.name});
    }
    keep(std::move(rule));
  }

  const std::string& given(const Use& use, int position) const {
    const auto& found = input(use, position);
    if (found.kind != ValueKind::input)
      refuse(ErrorCode::unsupported, use.name, found.name + " must be an input of the graph to be checked");
    return found.name;
  }

  void add_rows(const Use& use, std::int32_t index, const Dim& limit) {
    const auto& indices = item(index);
    if (indices.kind == ValueKind::input) {
      keep({IndexRule::Kind::rows, indices.name, limit, "", use.name});
      return;
    }
    const auto columns = bound_of(index);
    const bool fits = columns && (*columns == limit || (!columns->is_symbolic() && !limit.is_symbolic() &&
                                                        columns->value <= limit.value));
    if (fits) return;
    if (indices.kind == ValueKind::constant && indices.data != nullptr && !limit.is_symbolic()) {
      check_constant(use, indices, limit.value);
      return;
    }
    refuse(ErrorCode::unsupported, use.name,
           indices.name + " is computed, and nothing shows that it stays below " + to_string(limit));
  }

  /// What a computed value stays below.
  std::optional<Dim> bound_of(std::int32_t index) const {
    const Use* writer = writers_[static_cast<std::size_t>(index)];
    if (writer == nullptr) return std::nullopt;
    for (const auto& row : kIndexOutputs) {
      if (row.op != writer->op->name || writer->outputs.size() <= row.output ||
          writer->outputs[row.output] != index)
        continue;
      const Dim columns = item(writer->inputs.at(0)).type.dims.back();
      const Dim& taken = item(index).type.dims.back();
      // More results than columns are filled up with what is no index.
      const bool enough = item(index).type.dims.size() < 2 ||
                          (!columns.is_symbolic() && !taken.is_symbolic() && taken.value <= columns.value);
      if (enough) return columns;
    }
    return std::nullopt;
  }

  static void check_constant(const Use& use, const Item& indices, std::int64_t limit) {
    std::int64_t count = 1;
    for (const auto& dim : indices.type.dims) count *= dim.value;
    for (std::int64_t i = 0; i < count; ++i) {
      std::int32_t index = 0;
      std::memcpy(&index, indices.data + i * static_cast<std::int64_t>(sizeof index), sizeof index);
      if (index < 0 || index >= limit)
        refuse(ErrorCode::invalid_argument, indices.name,
               indices.name + "[" + std::to_string(i) + "] is " + std::to_string(index) + ", and " +
                   use.name + " takes 0 to " + std::to_string(limit - 1));
    }
  }

  void keep(IndexRule rule) {
    const bool known = std::ranges::any_of(rules_, [&](const IndexRule& old) {
      return old.kind == rule.kind && old.input == rule.input && old.limit == rule.limit &&
             old.tables == rule.tables;
    });
    if (!known) rules_.push_back(std::move(rule));
  }

  const IndexGraph& graph_;
  std::vector<const Use*> writers_;
  std::vector<IndexRule> rules_;
};

template <class Item>
std::span<const Item> items_of(const Tensor& tensor) {
  return {reinterpret_cast<const Item*>(tensor.bytes.data()), tensor.bytes.size() / sizeof(Item)};
}

void check_rows(const IndexRule& rule, const Tensor& tensor, std::int64_t limit) {
  const auto indices = items_of<std::int32_t>(tensor);
  for (std::size_t i = 0; i < indices.size(); ++i)
    if (indices[i] < 0 || indices[i] >= limit)
      refuse(ErrorCode::invalid_argument, rule.input,
             rule.input + "[" + std::to_string(i) + "] is " + std::to_string(indices[i]) + ", and " +
                 rule.used_by + " takes 0 to " + std::to_string(limit - 1));
}

void check_sequences(const IndexRule& rule, const Tensor& tensor, std::int64_t tokens,
                     std::int64_t table_entries) {
  const auto entries = items_of<SequenceEntry>(tensor);
  std::int64_t next = 0;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto& entry = entries[i];
    const std::string name = rule.input + "[" + std::to_string(i) + "]";
    if (entry.first_token != next || entry.tokens < 1 || entry.past < 0)
      refuse(ErrorCode::invalid_argument, rule.input,
             name + " must start at token " + std::to_string(next) +
                 ", with at least one token behind 0 or more");
    next += entry.tokens;
    const std::int64_t pages = (std::int64_t{entry.past} + entry.tokens + kPageTokens - 1) / kPageTokens;
    if (!rule.tables.empty() &&
        (entry.first_page_entry < 0 || entry.first_page_entry + pages > table_entries))
      refuse(ErrorCode::invalid_argument, rule.input,
             name + " needs " + std::to_string(pages) + " pages from entry " +
                 std::to_string(entry.first_page_entry) + " of " + rule.tables + ", which has " +
                 std::to_string(table_entries));
  }
  if (next != tokens)
    refuse(ErrorCode::invalid_argument, rule.input,
           rule.input + " has " + std::to_string(next) + " tokens, the step " + std::to_string(tokens));
}

}  // namespace

IndexGraph index_graph(const Graph& graph) {
  IndexGraph result;
  for (const auto& value : graph.values)
    result.items.push_back({value.name, value.kind, value.type, value.data.data});
  for (const auto& node : graph.nodes)
    result.uses.push_back(
        {node.op, node.name.empty() ? std::string(node.op->name) : node.name, node.inputs, node.outputs});
  return result;
}

IndexGraph index_graph(const Plan& plan) {
  IndexGraph result;
  for (const auto& tensor : plan.tensors) {
    IndexGraph::Item item{tensor.name, ValueKind::computed, tensor.type, nullptr};
    if (tensor.place == Place::bound) item.kind = ValueKind::input;
    if (tensor.place == Place::weight) {
      const auto& weight = plan.weights[static_cast<std::size_t>(tensor.index)];
      item.kind = ValueKind::constant;
      if (weight.host_visible()) item.data = static_cast<const std::byte*>(weight.data()) + tensor.offset;
    }
    result.items.push_back(std::move(item));
  }
  for (const auto& step : plan.steps) result.uses.push_back({step.op, step.name, step.inputs, step.outputs});
  return result;
}

std::vector<IndexRule> find_index_rules(const IndexGraph& graph) { return RuleFinder(graph).run(); }

void check_indices(std::span<const IndexRule> rules, const std::map<std::string, Tensor>& inputs,
                   const SizeOf& size_of) {
  for (const auto& rule : rules) {
    const Tensor& tensor = inputs.at(rule.input);
    const std::int64_t limit = size_of(rule.limit);
    if (rule.kind == IndexRule::Kind::sequences)
      check_sequences(rule, tensor, limit, rule.tables.empty() ? 0 : inputs.at(rule.tables).shape.at(0));
    else
      check_rows(rule, tensor, limit);
  }
}

}  // namespace lathe
