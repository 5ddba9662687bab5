#include "apps/decimal.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>

namespace lathe::apps {
namespace {

/// 0.d1d2d3... * 10^power, first and last digit not 0; no digits: zero.
struct Digits {
  std::string digits;
  long long power = 0;
  bool operator==(const Digits&) const = default;
};

/// Of an unsigned number, "12.50e-3". Nothing where that is no number.
std::optional<Digits> digits_of(std::string_view text) {
  Digits result;
  bool point = false;
  bool any = false;
  std::size_t i = 0;
  for (; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '.' && !point) {
      point = true;
    } else if (std::isdigit(static_cast<unsigned char>(c)) != 0) {
      any = true;
      if (c == '0' && result.digits.empty()) {
        result.power -= point ? 1 : 0;
      } else {
        result.digits += c;
        result.power += point ? 0 : 1;
      }
    } else {
      break;
    }
  }
  if (!any) return std::nullopt;
  if (i < text.size()) {
    if (text[i] != 'e' && text[i] != 'E') return std::nullopt;
    std::string_view exponent = text.substr(i + 1);
    if (exponent.starts_with('+')) exponent.remove_prefix(1);
    int power = 0;
    const char* end = exponent.data() + exponent.size();
    const auto [rest, error] = std::from_chars(exponent.data(), end, power);
    if (error != std::errc() || rest != end) return std::nullopt;
    result.power += power;
  }
  result.digits.erase(result.digits.find_last_not_of('0') + 1);
  if (result.digits.empty()) result.power = 0;
  return result;
}

Digits digits_of(double magnitude) {
  constexpr int kMostDigits = 800;  // a double has at most 767
  std::array<char, kMostDigits + 16> buffer{};
  const int length = std::snprintf(buffer.data(), buffer.size(), "%.*e", kMostDigits, magnitude);
  return *digits_of(std::string_view(buffer.data(), static_cast<std::size_t>(length)));
}

/// `behind` comes after the digits, before an exponent.
std::string written(const Digits& number, bool negative, const std::string& behind) {
  const auto count = static_cast<long long>(number.digits.size());
  const std::string sign = negative ? "-" : "";
  if (count == 0) return sign + "0";
  constexpr int kLeastPower = -5, kMostPower = 21;
  if (number.power < kLeastPower || number.power > kMostPower) {
    std::string text = sign + number.digits.substr(0, 1);
    if (count > 1) text += "." + number.digits.substr(1);
    return text + behind + "e" + (number.power > 0 ? "+" : "-") + std::to_string(std::abs(number.power - 1));
  }
  if (number.power <= 0)
    return sign + "0." + std::string(static_cast<std::size_t>(-number.power), '0') + number.digits + behind;
  const auto whole = static_cast<std::size_t>(number.power);
  if (count <= number.power)
    return sign + number.digits + std::string(whole - number.digits.size(), '0') + behind;
  return sign + number.digits.substr(0, whole) + "." + number.digits.substr(whole) + behind;
}

}  // namespace

std::optional<Decimal> parse_decimal(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  std::string word(text);
  std::ranges::transform(word, word.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  std::optional<Decimal> result;
  if (word == "inf" || word == "infinity") {
    result = {std::numeric_limits<double>::infinity(), true};
  } else if (word == "nan") {
    result = {std::numeric_limits<double>::quiet_NaN(), true};
  } else if (const auto digits = digits_of(std::string_view(word))) {
    const double value = std::strtod(word.c_str(), nullptr);
    if (std::isinf(value)) return std::nullopt;
    result = {value, digits_of(value) == *digits};
  }
  if (result && negative) result->value = -result->value;
  return result;
}

std::optional<std::string> all_digits(double value, int most_digits) {
  if (!std::isfinite(value)) return std::nullopt;
  const Digits number = digits_of(std::abs(value));
  if (static_cast<int>(number.digits.size()) > most_digits) return std::nullopt;
  return written(number, std::signbit(value), "");
}

std::string first_digits(double value, int digits) {
  Digits number = digits_of(std::abs(value));
  const bool all = static_cast<int>(number.digits.size()) <= digits;
  if (!all) number.digits.resize(static_cast<std::size_t>(digits));
  return written(number, std::signbit(value), all ? "" : "...");
}

std::string short_text(double value) {
  if (std::isnan(value)) return "nan";
  std::array<char, 64> buffer{};
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return error == std::errc() ? std::string(buffer.data(), end) : std::string();
}

std::string exact_text(double value) {
  constexpr int kReadable = 30;
  if (!std::isfinite(value)) return short_text(value);
  return all_digits(value, kReadable).value_or("about " + short_text(value));
}

}  // namespace lathe::apps
