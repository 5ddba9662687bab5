// Dimensions that follow from others: sums of products of symbols, and quotients of such sums by numbers,
// rounded down. They are symbols too, whose names are the expressions: "(N*T)", "(N+1)", "((N+1)/2)". Equal
// expressions have equal names, so that whoever compares dimensions need not know of them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "graph/type.h"

namespace lathe {

struct DimRange {
  std::int64_t least = 0;
  std::int64_t most = kMaxDim;
};

/// What numbers a graph's symbols may be.
class SymbolRanges {
 public:
  SymbolRanges() = default;
  /// `otherwise` is for symbols that are not set.
  explicit SymbolRanges(DimRange otherwise) : otherwise_(otherwise) {}
  void set(const std::string& symbol, DimRange range) { ranges_[symbol] = range; }
  DimRange of(const std::string& symbol) const {
    const auto found = ranges_.find(symbol);
    return found == ranges_.end() ? otherwise_ : found->second;
  }

 private:
  DimRange otherwise_;
  std::map<std::string, DimRange> ranges_;
};

/// Whether a symbol's name says that it is an expression. Other names must not begin with a bracket.
inline bool is_expression(std::string_view symbol) { return symbol.starts_with('('); }

/// Why the name of an expression is none, in words; empty where it is one as it is written here.
std::string expression_problem(std::string_view symbol);

/// The symbols of an expression that are none themselves; of another dimension itself, or none.
std::set<std::string> symbols_of(const Dim& dim);

// Arithmetic, also on numbers below zero. "?" where a part is, or where the result is larger than is kept.
Dim sum_of(const Dim& a, const Dim& b);
Dim difference_of(const Dim& a, const Dim& b);
Dim product_of(const Dim& a, const Dim& b);
/// a / b, rounded down; b is above zero, or the result is "?".
Dim quotient_of(const Dim& a, const Dim& b);
/// a / b where that leaves no rest whatever the symbols are; empty otherwise.
std::optional<Dim> exact_quotient_of(const Dim& a, const Dim& b);

/// The numbers that it may be; both ends within 2^62.
DimRange range_of(const Dim& dim, const SymbolRanges& symbols);

/// Whether a <= b; empty where that depends on the symbols, or is not known.
std::optional<bool> at_most(const Dim& a, const Dim& b, const SymbolRanges& symbols);
std::optional<Dim> lesser_of(const Dim& a, const Dim& b, const SymbolRanges& symbols);
std::optional<Dim> greater_of(const Dim& a, const Dim& b, const SymbolRanges& symbols);
/// Whether they are equal: as dimensions, or where no number could be both.
std::optional<bool> are_equal(const Dim& a, const Dim& b, const SymbolRanges& symbols);

/// Its number, with those of its symbols. Empty where it does not fit 62 bits, is "?", or a symbol has none.
using SymbolNumber = std::function<std::optional<std::int64_t>(const std::string& symbol)>;
std::optional<std::int64_t> number_of(const Dim& dim, const SymbolNumber& number);

/// The dimension with other dimensions in place of its symbols.
Dim substituted(const Dim& dim, const std::function<Dim(const std::string& symbol)>& with);

}  // namespace lathe
