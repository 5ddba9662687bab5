#include "apps/number_steps.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "apps/decimal.h"

namespace lathe::apps {
namespace {

constexpr std::size_t kWidestBinary = 66;

std::string binary(std::uint32_t value, int count) {
  std::string text;
  for (int bit = count - 1; bit >= 0; --bit) text += ((value >> bit) & 1) != 0 ? '1' : '0';
  return text;
}

/// Steps as paragraphs: the first line behind the step's name, further lines below it.
class Steps {
 public:
  explicit Steps(std::string head) : text_(std::move(head) + "\n\n") {}

  void step(const std::string& name, const std::string& line) {
    add(std::to_string(++count_) + " " + name, line);
  }
  void add(std::string name, const std::string& line) {
    constexpr std::size_t kNames = 14;
    name.resize(std::max(kNames, name.size() + 1), ' ');
    text_ += name + line + "\n";
  }
  void more(const std::string& line) { add("", line); }
  void gap() { text_ += "\n"; }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  int count_ = 0;
};

std::string count_text(int count, const std::string& what) {
  return (count == 0 ? "no" : std::to_string(count)) + " " + what + (count == 1 ? "" : "s");
}

std::string format_text(const NumberLayout& layout) {
  if (layout.integer()) return count_text(layout.bits(), "bit") + " of two's complement";
  return count_text(layout.sign_bits, "sign bit") + ", " + count_text(layout.exponent_bits, "exponent bit") +
         " with bias " + std::to_string(layout.bias) + ", " +
         count_text(layout.mantissa_bits, "mantissa bit");
}

/// "110.1" as "1.101 x 2^2".
std::string normalized(const StoredNumber& number) {
  std::string digits;
  for (const char c : number.binary)
    if (c != '.' && (c != '0' || !digits.empty())) digits += c;
  digits.erase(digits.find_last_not_of('0') + 1);
  if (digits.size() > 1) digits.insert(1, ".");
  return digits + " x 2^" + std::to_string(number.power);
}

std::uint32_t exponent_field(const NumberLayout& layout, std::uint32_t bits) {
  return (bits >> layout.mantissa_bits) & ((std::uint32_t{1} << layout.exponent_bits) - 1);
}

std::string mantissa_text(const NumberLayout& layout, std::uint32_t bits) {
  return binary(bits, layout.mantissa_bits);
}

std::string sum_text(int power, int bias, int exponent_bits) {
  return std::to_string(power) + " + " + std::to_string(bias) + " = " + std::to_string(power + bias) + " = " +
         binary(static_cast<std::uint32_t>(power + bias), exponent_bits);
}

std::string pattern_text(const NumberLayout& layout, const NumberPattern& pattern) {
  return fields_text(layout, pattern.bits) + " = " + hex_text(layout, pattern.bits);
}

std::string rounding_text(const std::string& rounding) {
  if (rounding == "down") return "what is cut off is less than half of the last place: rounded down";
  if (rounding == "up") return "what is cut off is more than half of the last place: rounded up";
  if (rounding == "tie down")
    return "exactly half of the last place is cut off, a tie: to the neighbour that ends in 0, down";
  if (rounding == "tie up")
    return "exactly half of the last place is cut off, a tie: to the neighbour that ends in 0, up";
  return {};
}

std::string beyond_text(const NumberLayout& layout) {
  const std::string what =
      "beyond " + exact_text(layout.largest) + ", the largest number of " + layout.name + ": ";
  if (layout.infinities) return what + "overflow to infinity";
  if (layout.nan) return what + "overflow to NaN, as there is no infinity";
  return what + "held to it, as there is no infinity";
}

void add_sign(const StoredNumber& number, Steps& steps) {
  if (number.layout.sign_bits == 0)
    steps.step("sign", "no bit for it");
  else
    steps.step("sign", std::signbit(number.number) ? "negative: 1" : "positive: 0");
}

void add_exponent(const StoredNumber& number, Steps& steps) {
  const NumberLayout& layout = number.layout;
  const std::string zeros(static_cast<std::size_t>(layout.exponent_bits), '0');
  const std::string least = std::to_string(layout.least_exponent());
  if (number.number == 0) {
    steps.step("exponent", "zero has no leading 1: all bits 0, " + zeros);
  } else if (number.rounding == "underflow") {
    steps.step("exponent",
               std::to_string(number.power) + " is below " + least + ", the least: held to it, " + zeros);
  } else if (number.power < layout.least_exponent()) {
    steps.step("exponent", std::to_string(number.power) + " is below " + least + ", the least of " +
                               layout.name + ": subnormal, " + zeros);
    steps.more(zeros + " stands for 2^" + least + " without a leading 1");
  } else if (const int highest = (1 << layout.exponent_bits) - 1; number.power + layout.bias > highest) {
    steps.step("exponent", std::to_string(number.power) + " + " + std::to_string(layout.bias) + " = " +
                               std::to_string(number.power + layout.bias) + ", more than " +
                               std::to_string(layout.exponent_bits) + " bits hold");
  } else {
    steps.step("exponent", sum_text(number.power, layout.bias, layout.exponent_bits));
  }
}

void add_mantissa(const StoredNumber& number, Steps& steps) {
  const NumberLayout& layout = number.layout;
  const std::uint32_t bits = number.stored->bits;
  if (number.kept.empty()) {
    steps.step("mantissa", layout.mantissa_bits == 0 ? "no bits for it" : mantissa_text(layout, bits));
    return;
  }
  const std::string kept = number.kept.substr(1);
  if (number.cut_off.empty() && number.rounding == "exact") {
    steps.step("mantissa", kept.empty() ? "no bits for it" : kept);
    return;
  }
  steps.step("mantissa",
             number.kept.substr(0, 1) + "." + kept + (number.cut_off.empty() ? "" : "|" + number.cut_off));
  if (number.rounding == "overflow") return;
  steps.more(rounding_text(number.rounding));
  const auto field = static_cast<int>(exponent_field(layout, bits));
  const bool was_subnormal = number.kept[0] == '0';
  const int before = was_subnormal ? 0 : number.exponent + layout.bias;
  if (field == before) {
    if (layout.mantissa_bits > 0) steps.more(mantissa_text(layout, bits));
  } else if (layout.mantissa_bits == 0) {
    steps.more("to the next power of two: " +
               sum_text(number.exponent + 1, layout.bias, layout.exponent_bits));
  } else {
    steps.more("all digits were 1: it carries into the exponent, " + mantissa_text(layout, bits) + " and " +
               std::to_string(before) + " + 1 = " + std::to_string(field) + " = " +
               binary(static_cast<std::uint32_t>(field), layout.exponent_bits));
  }
}

void add_neighbour(const std::string& name, const NumberLayout& layout,
                   const std::optional<NumberPattern>& pattern, Steps& steps) {
  steps.add(name,
            pattern ? exact_text(pattern->value) + "  (" + pattern_text(layout, *pattern) + ")" : "none");
}

void add_outcome(const StoredNumber& number, Steps& steps) {
  const double value = number.stored->value;
  steps.gap();
  steps.add("value", std::isnan(value)
                         ? "NaN"
                         : exact_text(value) + (number.kind == "subnormal" ? ", subnormal" : ""));
  if (!std::isnan(value)) {
    steps.add("error", difference_text(value, number.number));
    add_neighbour("below", number.layout, number.below, steps);
    add_neighbour("above", number.layout, number.above, steps);
  }
}

void add_binary(const StoredNumber& number, const std::string& given, Steps& steps) {
  const std::string sign = std::signbit(number.number) ? "-" : "";
  if (number.number == 0) {
    steps.step("to binary", given + " = " + sign + "0");
  } else if (number.binary.size() > kWidestBinary) {
    steps.step("to binary", given + " = " + sign + normalized(number));
  } else {
    steps.step("to binary", given + " = " + sign + number.binary);
    steps.more(std::string(given.size(), ' ') + " = " + sign + normalized(number));
  }
}

/// Infinity and NaN have no digits: their exponent is all ones.
void add_special(const StoredNumber& number, const std::string& given, Steps& steps) {
  const NumberLayout& layout = number.layout;
  steps.step("to binary", given + " has no digits");
  add_sign(number, steps);
  const std::uint32_t bits = number.stored->bits;
  if (number.rounding == "overflow" && !layout.nan) {
    steps.step("exponent", binary(exponent_field(layout, bits), layout.exponent_bits));
    steps.step("mantissa", mantissa_text(layout, bits));
    steps.step("together", pattern_text(layout, *number.stored));
    steps.more(beyond_text(layout));
    return;
  }
  steps.step("exponent", binary(exponent_field(layout, bits), layout.exponent_bits) + ", all bits 1");
  const std::string mantissa = layout.mantissa_bits == 0 ? "no bits for it" : mantissa_text(layout, bits);
  const bool quiet = number.kind == "nan" && layout.infinities;
  steps.step("mantissa", mantissa + (number.kind == "infinity" ? ", 0: infinity"
                                     : quiet                   ? ", not 0: NaN"
                                                               : ""));
  steps.step("together", pattern_text(layout, *number.stored));
  if (number.rounding == "overflow") steps.more(beyond_text(layout));
}

}  // namespace

std::string fields_text(const NumberLayout& layout, std::uint32_t bits) {
  std::string text;
  if (layout.sign_bits > 0) text += binary(bits >> (layout.bits() - 1), 1);
  if (layout.exponent_bits > 0)
    text += (text.empty() ? "" : " ") + binary(exponent_field(layout, bits), layout.exponent_bits);
  if (layout.mantissa_bits > 0) text += (text.empty() ? "" : " ") + mantissa_text(layout, bits);
  return text;
}

std::string hex_text(const NumberLayout& layout, std::uint32_t bits) {
  std::array<char, 16> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "0x%0*x", (layout.bits() + 3) / 4, bits);
  return buffer.data();
}

std::string difference_text(double value, double number) {
  if (value == number) return "0";
  const double error = value - number;
  std::string text = all_digits(error, 12).value_or("");
  if (text.empty()) {
    std::array<char, 32> buffer{};
    std::snprintf(buffer.data(), buffer.size(), "%.6g", error);
    text = buffer.data();
  }
  if (number == 0 || !std::isfinite(error)) return text;
  std::array<char, 32> share{};
  std::snprintf(share.data(), share.size(), " (%.3g %%)", 100 * std::abs(error / number));
  return text + share.data();
}

std::string steps_text(const StoredNumber& number, const std::string& given, const std::string& note) {
  const NumberLayout& layout = number.layout;
  Steps steps(note + given + " in " + layout.name + ": " + format_text(layout));
  if (!number.stored) {
    steps.add("none", layout.name + " has no NaN, and no number may stand for one");
    return steps.text();
  }
  if (!std::isfinite(number.number)) {
    add_special(number, given, steps);
  } else if (!layout.zero && number.number <= 0) {
    add_binary(number, given, steps);
    add_sign(number, steps);
    steps.step("exponent", "only powers of two above 0 have one: NaN, all bits 1");
    steps.step("mantissa", "no bits for it");
    steps.step("together", pattern_text(layout, *number.stored));
  } else {
    add_binary(number, given, steps);
    add_sign(number, steps);
    add_exponent(number, steps);
    add_mantissa(number, steps);
    steps.step("together", pattern_text(layout, *number.stored));
    if (number.rounding == "overflow") steps.more(beyond_text(layout));
  }
  add_outcome(number, steps);
  return steps.text();
}

std::string reading_text(const StoredNumber& number) {
  const NumberLayout& layout = number.layout;
  const std::uint32_t bits = number.stored->bits;
  const std::string value = exact_text(number.stored->value);
  Steps steps(hex_text(layout, bits) + " in " + layout.name + ": " + format_text(layout));
  steps.step("bits", fields_text(layout, bits));
  const bool negative = layout.sign_bits > 0 && (bits >> (layout.bits() - 1)) != 0;
  if (layout.integer()) {
    const std::uint32_t rest = bits & ((std::uint32_t{1} << layout.mantissa_bits) - 1);
    const std::string weight = std::to_string(std::uint32_t{1} << layout.mantissa_bits);
    steps.step("sign", negative ? "1: counts -" + weight : "0: counts nothing");
    steps.step("value", std::to_string(rest) + (negative ? " - " + weight : "") + " = " + value);
    return steps.text();
  }
  steps.step("sign", layout.sign_bits == 0 ? "no bit for it" : negative ? "1: negative" : "0: positive");
  const auto field = exponent_field(layout, bits);
  const std::string exponent = binary(field, layout.exponent_bits);
  const std::string mantissa = mantissa_text(layout, bits);
  if (number.kind == "nan" || number.kind == "infinity") {
    steps.step("exponent", exponent + ", all bits 1");
    steps.step("mantissa", mantissa.empty() ? "no bits for it" : mantissa);
    steps.step("value", number.kind == "nan" ? "NaN" : value);
    return steps.text();
  }
  const bool leading = number.kind == "normal";
  const int power = leading ? static_cast<int>(field) - layout.bias : layout.least_exponent();
  steps.step("exponent",
             leading ? exponent + " = " + std::to_string(field) + ", " + std::to_string(field) + " - " +
                           std::to_string(layout.bias) + " = " + std::to_string(power)
                     : exponent + ": zero or subnormal, 2^" + std::to_string(power) + " without a leading 1");
  const std::string digits = (leading ? "1" : "0") + (mantissa.empty() ? "" : "." + mantissa);
  steps.step("mantissa", (mantissa.empty() ? "no bits for it: " : mantissa + ": ") + digits);
  const std::string plain = number.binary.size() > kWidestBinary || number.number == 0
                                ? ""
                                : " = " + std::string(negative ? "-" : "") + number.binary;
  steps.step("value", std::string(negative ? "-" : "") + digits + " x 2^" + std::to_string(power) + plain +
                          " = " + value);
  steps.gap();
  add_neighbour("below", layout, number.below, steps);
  add_neighbour("above", layout, number.above, steps);
  return steps.text();
}

std::string code_text(const StoredCode& code, const std::string& given, const std::string& note) {
  const NumberLayout& layout = code.layout;
  const std::string scale = short_text(code.scale);
  const std::string zero =
      code.zero_point < 0 ? "(" + std::to_string(code.zero_point) + ")" : std::to_string(code.zero_point);
  Steps steps(note + given + " in " + layout.name + ": " + format_text(layout) + ", value = " + scale +
              " x (code - " + zero + ")");
  const std::string steps_of_scale = short_text(code.steps);
  const double rounded = code.whole - code.zero_point;
  const bool tie = std::abs(code.steps - rounded) == 0.5;
  steps.step("in steps", given + " / " + scale + " = " + steps_of_scale);
  steps.step("to whole", short_text(rounded) + (tie ? ", a tie: to the even one" : ""));
  steps.step("zero point", short_text(rounded) + " + " + zero + " = " + short_text(code.whole));
  const bool held = code.code.value != code.whole;
  steps.step("range", std::to_string(code.lowest) + " to " + std::to_string(code.highest) + ": " +
                          (held ? "held to " + short_text(code.code.value) : "holds it"));
  steps.step("together", pattern_text(layout, code.code));
  steps.gap();
  const auto value_of = [&](double each) { return short_text(code.scale * (each - code.zero_point)); };
  steps.add("value",
            scale + " x (" + short_text(code.code.value) + " - " + zero + ") = " + short_text(code.value));
  steps.add("error", difference_text(code.value, code.number));
  const bool first = code.code.value == code.lowest;
  const bool last = code.code.value == code.highest;
  steps.add(
      "below",
      first ? "none" : value_of(code.code.value - 1) + "  (code " + short_text(code.code.value - 1) + ")");
  steps.add(
      "above",
      last ? "none" : value_of(code.code.value + 1) + "  (code " + short_text(code.code.value + 1) + ")");
  return steps.text();
}

}  // namespace lathe::apps
