// Numbers for the symbols of a graph: what a profile is tuned for.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "backend/cache_layout.h"
#include "backend/plan.h"
#include "graph/type.h"
#include "tensor/tensor_view.h"

namespace lathe {

class SymbolValues {
 public:
  /// The ranges' optima, at least 1 each; `ranges` are in the order of `limits`. The tokens T of Q sequences
  /// are no more than their pages B hold.
  static SymbolValues at_optimum(const std::vector<SymbolLimit>& limits,
                                 const std::vector<SymbolRange>& ranges) {
    SymbolValues values;
    for (std::size_t i = 0; i < limits.size(); ++i)
      values.numbers_[limits[i].name] = std::max<std::int64_t>(ranges.at(i).optimum, 1);
    if (values.numbers_.contains("T") && values.numbers_.contains("B") && values.numbers_.contains("Q")) {
      const std::int64_t sequences = std::min(values.named("Q"), values.named("T"));
      const std::int64_t held = values.named("B") / sequences * sequences * kPageTokens;
      values.set("T", std::clamp<std::int64_t>(held, 1, values.named("T")));
    }
    return values;
  }

  std::int64_t named(const std::string& symbol, std::int64_t otherwise = 1) const {
    const auto found = numbers_.find(symbol);
    return found == numbers_.end() ? otherwise : found->second;
  }
  void set(const std::string& symbol, std::int64_t value) { numbers_[symbol] = value; }
  std::int64_t of(const Dim& dim) const { return dim.is_symbolic() ? named(dim.symbol) : dim.value; }
  Shape shape(const ValueType& type) const {
    Shape shape;
    for (const auto& dim : type.dims) shape.push_back(of(dim));
    return shape;
  }
  /// In the order of a plan's symbols.
  std::vector<std::int64_t> in_order(const std::vector<SymbolLimit>& symbols) const {
    std::vector<std::int64_t> values;
    for (const auto& symbol : symbols) values.push_back(named(symbol.name));
    return values;
  }

 private:
  std::map<std::string, std::int64_t> numbers_;
};

}  // namespace lathe
