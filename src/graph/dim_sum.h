// Sums of products of symbols, which is what expressions of dimensions are computed as.
#pragma once

#include <charconv>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "graph/type.h"

namespace lathe::dim_sum {

inline constexpr std::int64_t kMostNumber = std::int64_t{1} << 62;

/// A product of symbols and quotients, as they stand in an expression, in ascending order; none: 1.
using Product = std::vector<std::string>;

/// A sum of products with factors, none of them 0.
using Sum = std::map<Product, std::int64_t>;

/// Empty where it is larger than is kept, or not known.
using MaybeSum = std::optional<Sum>;

/// Empty where it is beyond kMostNumber.
inline std::optional<std::int64_t> within(__int128 value) {
  if (value > kMostNumber || value < -kMostNumber) return std::nullopt;
  return static_cast<std::int64_t>(value);
}

MaybeSum sum_from(const Dim& dim);
Dim dim_from(const MaybeSum& sum);
/// "(a+b)" or "((a+b)/2)"
MaybeSum parse(std::string_view text);
/// A symbol's name from how it stands in an expression.
std::optional<std::string> name_of(std::string_view atom);

/// The number, of a sum without symbols.
std::optional<std::int64_t> constant_of(const Sum& sum);
/// a + b, or a - b where `sign` is -1.
MaybeSum added(Sum a, const Sum& b, std::int64_t sign);
MaybeSum multiplied(const Sum& a, const Sum& b);
/// Rounded down. What the divisor divides leaves the quotient, and so does what both parts have in common.
MaybeSum divided(const Sum& sum, std::int64_t divisor);

/// Applies `of_symbol` to symbols and makes quotients of what it gives.
template <class Value, class OfSymbol, class Add, class Multiply, class Divide>
std::optional<Value> fold(const Sum& sum, const OfSymbol& of_symbol, const Add& add, const Multiply& multiply,
                          const Divide& divide) {
  std::optional<Value> total = Value(0);
  for (const auto& [product, factor] : sum) {
    std::optional<Value> term = Value(factor);
    for (const auto& atom : product) {
      std::optional<Value> value;
      if (atom.starts_with('(')) {
        // "(sum/number)": the bracket that ends in front of the last "/"
        const auto slash = atom.rfind('/');
        std::int64_t divisor = 0;
        std::from_chars(atom.data() + slash + 1, atom.data() + atom.size(), divisor);
        const auto inner = parse(atom.substr(0, slash) + ')');
        const auto numerator = inner ? fold<Value>(*inner, of_symbol, add, multiply, divide) : std::nullopt;
        if (numerator) value = divide(*numerator, divisor);
      } else if (const auto name = name_of(atom)) {
        value = of_symbol(*name);
      }
      if (!value) return std::nullopt;
      term = multiply(*term, *value);
      if (!term) return std::nullopt;
    }
    total = add(*total, *term);
    if (!total) return std::nullopt;
  }
  return total;
}

}  // namespace lathe::dim_sum
