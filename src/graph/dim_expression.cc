#include "graph/dim_expression.h"

#include <algorithm>

#include "graph/dim_sum.h"

namespace lathe {
namespace {

using namespace dim_sum;  // of this file alone

std::int64_t floor_divided(std::int64_t value, std::int64_t divisor) {
  return value / divisor - (value % divisor < 0 ? 1 : 0);
}

/// Both ends of a range, held within what is counted.
struct Interval {
  __int128 least = 0;
  __int128 most = 0;
  Interval() = default;
  explicit Interval(std::int64_t value) : least(value), most(value) {}
  Interval(__int128 low, __int128 high)
      : least(std::clamp<__int128>(low, -kMostNumber, kMostNumber)),
        most(std::clamp<__int128>(high, -kMostNumber, kMostNumber)) {}
};

void collect_symbols(const Sum& sum, std::set<std::string>& symbols) {
  const auto note = [&symbols](const std::string& name) {
    symbols.insert(name);
    return std::optional(std::int64_t{0});
  };
  const auto zero = [](std::int64_t, std::int64_t) { return std::optional(std::int64_t{0}); };
  fold<std::int64_t>(sum, note, zero, zero, zero);
}

}  // namespace

std::string expression_problem(std::string_view symbol) {
  const Dim dim{std::string(symbol)};
  const auto sum = sum_from(dim);
  if (!sum) return "is no sum of products of symbols";
  const Dim canonical = dim_from(sum);
  return canonical == dim ? std::string() : "is to be written " + to_string(canonical);
}

std::set<std::string> symbols_of(const Dim& dim) {
  std::set<std::string> symbols;
  if (!dim.is_symbolic() || dim.is_unknown()) return symbols;
  if (!is_expression(dim.symbol)) return {dim.symbol};
  if (const auto sum = sum_from(dim)) collect_symbols(*sum, symbols);
  return symbols;
}

Dim sum_of(const Dim& a, const Dim& b) {
  const auto left = sum_from(a);
  const auto right = sum_from(b);
  return dim_from(left && right ? added(*left, *right, 1) : std::nullopt);
}

Dim difference_of(const Dim& a, const Dim& b) {
  const auto left = sum_from(a);
  const auto right = sum_from(b);
  return dim_from(left && right ? added(*left, *right, -1) : std::nullopt);
}

Dim product_of(const Dim& a, const Dim& b) {
  const auto left = sum_from(a);
  const auto right = sum_from(b);
  return dim_from(left && right ? multiplied(*left, *right) : std::nullopt);
}

Dim quotient_of(const Dim& a, const Dim& b) {
  if (const auto exact = exact_quotient_of(a, b)) return *exact;
  const auto left = sum_from(a);
  const auto right = sum_from(b);
  const auto divisor = right ? constant_of(*right) : std::nullopt;
  return dim_from(left && divisor ? divided(*left, *divisor) : std::nullopt);
}

std::optional<Dim> exact_quotient_of(const Dim& a, const Dim& b) {
  const auto left = sum_from(a);
  const auto right = sum_from(b);
  if (!left || !right || right->size() != 1) return std::nullopt;
  const auto& [divisor, divisor_factor] = *right->begin();
  if (divisor_factor < 1) return std::nullopt;
  Sum result;
  for (const auto& [product, factor] : *left) {
    if (factor % divisor_factor != 0 || !std::ranges::includes(product, divisor)) return std::nullopt;
    Product rest;
    std::ranges::set_difference(product, divisor, std::back_inserter(rest));
    result[rest] = factor / divisor_factor;
  }
  return dim_from(result);
}

DimRange range_of(const Dim& dim, const SymbolRanges& symbols) {
  const auto sum = sum_from(dim);
  if (!sum) return {-kMostNumber, kMostNumber};
  const auto of_symbol = [&symbols](const std::string& name) {
    const DimRange range = symbols.of(name);
    return std::optional(Interval(range.least, range.most));
  };
  const auto add = [](const Interval& a, const Interval& b) {
    return std::optional(Interval(a.least + b.least, a.most + b.most));
  };
  const auto multiply = [](const Interval& a, const Interval& b) {
    const auto [low, high] =
        std::minmax({a.least * b.least, a.least * b.most, a.most * b.least, a.most * b.most});
    return std::optional(Interval(low, high));
  };
  const auto divide = [](const Interval& a, std::int64_t divisor) {
    return std::optional(Interval(floor_divided(static_cast<std::int64_t>(a.least), divisor),
                                  floor_divided(static_cast<std::int64_t>(a.most), divisor)));
  };
  const auto range = fold<Interval>(*sum, of_symbol, add, multiply, divide);
  if (!range) return {-kMostNumber, kMostNumber};
  return {static_cast<std::int64_t>(range->least), static_cast<std::int64_t>(range->most)};
}

std::optional<bool> at_most(const Dim& a, const Dim& b, const SymbolRanges& symbols) {
  const Dim distance = difference_of(b, a);
  if (distance.is_unknown()) return std::nullopt;
  const DimRange range = range_of(distance, symbols);
  if (range.least >= 0) return true;
  if (range.most < 0) return false;
  return std::nullopt;
}

std::optional<Dim> lesser_of(const Dim& a, const Dim& b, const SymbolRanges& symbols) {
  if (at_most(a, b, symbols) == true) return a;
  return at_most(b, a, symbols) == true ? std::optional(b) : std::nullopt;
}

std::optional<Dim> greater_of(const Dim& a, const Dim& b, const SymbolRanges& symbols) {
  if (at_most(a, b, symbols) == true) return b;
  return at_most(b, a, symbols) == true ? std::optional(a) : std::nullopt;
}

std::optional<bool> are_equal(const Dim& a, const Dim& b, const SymbolRanges& symbols) {
  const Dim distance = difference_of(a, b);
  if (distance.is_unknown()) return std::nullopt;
  if (!distance.is_symbolic()) return distance.value == 0;
  const DimRange range = range_of(distance, symbols);
  if (range.least > 0 || range.most < 0) return false;
  return std::nullopt;
}

std::optional<std::int64_t> number_of(const Dim& dim, const SymbolNumber& number) {
  const auto sum = sum_from(dim);
  if (!sum) return std::nullopt;
  const auto add = [](std::int64_t a, std::int64_t b) { return within(__int128{a} + b); };
  const auto multiply = [](std::int64_t a, std::int64_t b) { return within(__int128{a} * b); };
  const auto divide = [](std::int64_t a, std::int64_t divisor) {
    return std::optional(floor_divided(a, divisor));
  };
  return fold<std::int64_t>(*sum, number, add, multiply, divide);
}

Dim substituted(const Dim& dim, const std::function<Dim(const std::string& symbol)>& with) {
  const auto sum = sum_from(dim);
  if (!sum) return Dim::unknown();
  const auto of_symbol = [&with](const std::string& name) { return std::optional(with(name)); };
  const auto add = [](const Dim& a, const Dim& b) { return std::optional(sum_of(a, b)); };
  const auto multiply = [](const Dim& a, const Dim& b) { return std::optional(product_of(a, b)); };
  const auto divide = [](const Dim& a, std::int64_t divisor) {
    return std::optional(quotient_of(a, divisor));
  };
  return fold<Dim>(*sum, of_symbol, add, multiply, divide).value_or(Dim::unknown());
}

}  // namespace lathe
