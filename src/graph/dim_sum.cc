#include "graph/dim_sum.h"

#include <algorithm>
#include <numeric>

#include "graph/dim_expression.h"
#include "graph/text_form.h"

namespace lathe::dim_sum {
namespace {

constexpr std::size_t kMostTerms = 16;
constexpr std::size_t kMostText = 1024;
constexpr int kMostDepth = 16;

Sum constant(std::int64_t value) { return value == 0 ? Sum{} : Sum{{{}, value}}; }

bool add_term(Sum& sum, const Product& product, std::int64_t factor) {
  const auto known = sum.find(product);
  const auto total = within(__int128{factor} + (known == sum.end() ? 0 : known->second));
  if (!total) return false;
  if (*total == 0)
    sum.erase(product);
  else
    sum[product] = *total;
  return sum.size() <= kMostTerms;
}

std::string text_of(const Product& product) {
  std::string text;
  for (const auto& atom : product) text += (text.empty() ? "" : "*") + atom;
  return text;
}

/// Symbols first, in order; the number last.
std::string text_of(const Sum& sum) {
  std::string text;
  const auto add = [&text](const Product& product, std::int64_t factor) {
    if (factor < 0 || !text.empty()) text += factor < 0 ? '-' : '+';
    const std::int64_t size = factor < 0 ? -factor : factor;
    if (size != 1 || product.empty()) text += std::to_string(size) + (product.empty() ? "" : "*");
    text += text_of(product);
  };
  for (const auto& [product, factor] : sum)
    if (!product.empty()) add(product, factor);
  if (const auto number = sum.find({}); number != sum.end()) add({}, number->second);
  return text.empty() ? "0" : text;
}

bool is_single_product(const Sum& sum) { return sum.size() == 1 && sum.begin()->second == 1; }

std::string quotient_text(const Sum& sum, std::int64_t divisor) {
  const std::string text = is_single_product(sum) ? text_of(sum) : '(' + text_of(sum) + ')';
  return '(' + text + '/' + std::to_string(divisor) + ')';
}

/// Reads what text_of() writes, and more: brackets and order as they come.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  MaybeSum whole() {
    auto result = bracket();
    return at_ == text_.size() ? result : std::nullopt;
  }

 private:
  bool accept(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  std::optional<std::int64_t> digits() {
    std::int64_t value = 0;
    const auto* end = text_.data() + text_.size();
    const auto [stop, error] = std::from_chars(text_.data() + at_, end, value);
    if (error != std::errc{} || value < 0 || value > kMostNumber) return std::nullopt;
    at_ = static_cast<std::size_t>(stop - text_.data());
    return value;
  }

  /// (sum) or (sum/number)
  MaybeSum bracket() {
    if (!accept('(') || ++depth_ > kMostDepth) return std::nullopt;
    auto result = sum();
    if (result && accept('/')) {
      const auto divisor = digits();
      result = divisor ? divided(*result, *divisor) : std::nullopt;
    }
    --depth_;
    return accept(')') ? result : std::nullopt;
  }

  MaybeSum sum() {
    MaybeSum result = Sum{};
    for (std::int64_t sign = accept('-') ? -1 : 1;;) {
      const auto next = product();
      if (next) result = added(*result, *next, sign);
      if (!next || !result) return std::nullopt;
      if (accept('+'))
        sign = 1;
      else if (accept('-'))
        sign = -1;
      else
        return result;
    }
  }

  MaybeSum product() {
    MaybeSum result = constant(1);
    do {
      const auto next = factor();
      result = next ? multiplied(*result, *next) : std::nullopt;
    } while (result && accept('*'));
    return result;
  }

  MaybeSum factor() {
    if (at_ >= text_.size()) return std::nullopt;
    const char first = text_[at_];
    if (first == '(') return bracket();
    if (first >= '0' && first <= '9') {
      const auto value = digits();
      return value ? MaybeSum(constant(*value)) : std::nullopt;
    }
    const auto start = at_;
    if (first == '"') {
      const auto end = text_.find('"', at_ + 1);
      if (end == std::string_view::npos) return std::nullopt;
      at_ = end + 1;
    } else if (text_form::is_name_start(first)) {
      while (at_ < text_.size() && text_form::is_name_part(text_[at_])) ++at_;
    } else {
      return std::nullopt;
    }
    return Sum{{{std::string(text_.substr(start, at_ - start))}, 1}};
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

std::optional<std::int64_t> constant_of(const Sum& sum) {
  if (sum.empty()) return 0;
  if (sum.size() == 1 && sum.begin()->first.empty()) return sum.begin()->second;
  return std::nullopt;
}

MaybeSum added(Sum a, const Sum& b, std::int64_t sign) {
  for (const auto& [product, factor] : b)
    if (!add_term(a, product, sign * factor)) return std::nullopt;
  return a;
}

MaybeSum multiplied(const Sum& a, const Sum& b) {
  Sum result;
  for (const auto& [product_a, factor_a] : a)
    for (const auto& [product_b, factor_b] : b) {
      Product product;
      std::ranges::merge(product_a, product_b, std::back_inserter(product));
      const auto factor = within(__int128{factor_a} * factor_b);
      if (!factor || !add_term(result, product, *factor)) return std::nullopt;
    }
  return result;
}

MaybeSum divided(const Sum& sum, std::int64_t divisor) {
  if (divisor < 1) return std::nullopt;
  Sum whole;
  Sum rest;
  std::int64_t common = divisor;
  for (const auto& [product, factor] : sum) {
    std::int64_t remainder = factor % divisor;
    if (remainder < 0) remainder += divisor;
    const std::int64_t quotient = (factor - remainder) / divisor;
    if (quotient != 0) whole[product] = quotient;
    if (remainder != 0) rest[product] = remainder;
    if (remainder != 0 && !product.empty()) common = std::gcd(common, remainder);
  }
  if (constant_of(rest)) return whole;  // below the divisor
  Sum inner;
  for (const auto& [product, factor] : rest)
    if (factor / common != 0) inner[product] = factor / common;
  if (divisor / common == 1) {
    auto all = added(whole, inner, 1);
    return all;
  }
  if (!add_term(whole, {quotient_text(inner, divisor / common)}, 1)) return std::nullopt;
  return whole;
}

std::optional<std::string> name_of(std::string_view atom) {
  if (!atom.starts_with('"')) return std::string(atom);
  std::string name;
  for (std::size_t i = 1; i + 1 < atom.size(); ++i) {
    if (atom[i] != '\\') {
      name += atom[i];
      continue;
    }
    std::uint8_t byte = 0;
    const char* digits = atom.data() + i + 2;
    if (i + 4 >= atom.size() || atom[i + 1] != 'x' ||
        std::from_chars(digits, digits + 2, byte, 16).ptr != digits + 2)
      return std::nullopt;
    name += static_cast<char>(byte);
    i += 3;
  }
  return name;
}

MaybeSum sum_from(const Dim& dim) {
  if (dim.is_unknown()) return std::nullopt;
  if (!dim.is_symbolic()) return within(dim.value) ? MaybeSum(constant(dim.value)) : std::nullopt;
  if (!is_expression(dim.symbol)) return Sum{{{text_form::quoted_if_needed(dim.symbol)}, 1}};
  return dim.symbol.size() > kMostText ? std::nullopt : Parser(dim.symbol).whole();
}

Dim dim_from(const MaybeSum& sum) {
  if (!sum) return Dim::unknown();
  if (const auto number = constant_of(*sum)) return Dim(*number);
  std::string text;
  if (is_single_product(*sum) && sum->begin()->first.size() == 1) {
    const std::string& atom = sum->begin()->first[0];
    text = is_expression(atom) ? atom : name_of(atom).value_or("?");
  } else {
    text = '(' + text_of(*sum) + ')';
  }
  return text.size() > kMostText ? Dim::unknown() : Dim(text);
}

MaybeSum parse(std::string_view text) { return Parser(text).whole(); }

}  // namespace lathe::dim_sum
