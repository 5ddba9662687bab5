#include "compile/derived_symbols.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "graph/dim_expression.h"

namespace lathe {
namespace {

void collect(const Graph& graph, std::set<std::string>& expressions) {
  for (const auto& value : graph.values)
    for (const auto& dim : value.type.dims)
      if (is_expression(dim.symbol)) expressions.insert(dim.symbol);
  for (const auto& node : graph.nodes)
    for (const auto& body : node.bodies) collect(*body, expressions);
}

std::int64_t within_dims(std::int64_t value) { return std::clamp<std::int64_t>(value, 0, kMaxDim); }

/// `given` are the first of the profile's symbols.
SymbolRange range_in(const Dim& dim, const std::vector<SymbolLimit>& given, const ProfileRanges& profile) {
  SymbolRanges whole;
  SymbolRanges optimum;
  for (std::size_t i = 0; i < given.size(); ++i) {
    const SymbolRange& range = profile.symbols[i];
    whole.set(given[i].name, {range.minimum, range.maximum});
    optimum.set(given[i].name, {range.optimum, range.optimum});
  }
  const DimRange possible = range_of(dim, whole);
  const SymbolRange result{within_dims(possible.least), within_dims(range_of(dim, optimum).most),
                           within_dims(possible.most)};
  return {result.minimum, std::clamp(result.optimum, result.minimum, result.maximum), result.maximum};
}

}  // namespace

void add_derived_symbols(const Graph& graph, std::vector<SymbolLimit>& limits,
                         std::vector<ProfileRanges>& profiles) {
  std::set<std::string> expressions;
  collect(graph, expressions);
  const auto given = limits;  // what the expressions are of
  for (const auto& expression : expressions) {
    std::int64_t maximum = 0;
    for (auto& profile : profiles) {
      profile.symbols.push_back(range_in(expression, given, profile));
      maximum = std::max(maximum, profile.symbols.back().maximum);
    }
    if (maximum == kMaxDim)
      throw Error(ErrorCode::resource_limit, "the dimension " + expression + " may be 2^48 or more",
                  {{}, std::nullopt, expression});
    limits.push_back({expression, maximum});
  }
}

}  // namespace lathe
