#include "apps/number_list.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "apps/decimal.h"
#include "apps/number_steps.h"
#include "apps/output.h"

namespace lathe::apps {
namespace {

using Rows = std::vector<std::vector<std::string>>;

std::string figure(double value) {
  std::array<char, 32> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.4g", value);
  return buffer.data();
}

/// Of a float32, as short as it reads back.
std::string float_text(float value) {
  std::array<char, 32> buffer{};
  for (int digits = 1; digits <= 9; ++digits) {
    std::snprintf(buffer.data(), buffer.size(), "%.*g", digits, static_cast<double>(value));
    if (std::strtof(buffer.data(), nullptr) == value) break;
  }
  return buffer.data();
}

const NumberLayout& layout_named(const std::vector<NumberLayout>& layouts, const std::string& name) {
  std::size_t i = 0;
  while (layouts[i].name != name) ++i;
  return layouts[i];
}

/// Whether the values behind the first `given` are those again, with the same codes.
bool repeats(const QuantizedValues& values, std::size_t given) {
  for (std::size_t i = given; i < values.given.size(); ++i)
    if (values.codes[i] != values.codes[i % given] || values.values[i] != values.values[i % given])
      return false;
  return true;
}

std::string group_text(const QuantizedValues& values, const QuantizedGroup& group) {
  std::string text =
      "values " + std::to_string(group.first) + " to " + std::to_string(group.first + group.count - 1);
  text += ": scale " + float_text(static_cast<float>(group.scale));
  if (values.factors.empty()) return text + ", zero point " + std::to_string(group.zero_point);
  if (group.minimum != 0) text += ", minimum " + float_text(static_cast<float>(group.minimum));
  return text;
}

std::string formula(const QuantizedValues& values) {
  if (values.factors.empty()) return "value = scale x (code - zero point)";
  for (const QuantizedGroup& group : values.groups)
    if (group.minimum != 0) return "value = scale x code + minimum";
  return "value = scale x code";
}

}  // namespace

std::string stored_table(const std::vector<StoredNumber>& numbers, bool by_format) {
  Rows rows{{by_format ? "format" : "number", "bits", "hex", "value", "error", ""}};
  for (const StoredNumber& number : numbers) {
    std::vector<std::string> row{by_format ? number.layout.name : short_text(number.number)};
    if (!number.stored) {
      row.insert(row.end(), {"-", "-", "-", "-", "has no NaN"});
    } else {
      const double value = number.stored->value;
      const bool plain = number.kind == "normal" || number.kind == "zero";
      const bool rounding = number.rounding == "overflow" || number.rounding == "underflow";
      row.insert(row.end(), {fields_text(number.layout, number.stored->bits),
                             hex_text(number.layout, number.stored->bits),
                             all_digits(value, 20).value_or(short_text(value)),
                             std::isfinite(value) ? figure(value - number.number) : "-",
                             rounding                                    ? number.rounding
                             : plain || number.kind == short_text(value) ? ""
                                                                         : number.kind});
    }
    rows.push_back(std::move(row));
  }
  return format_table(rows, 3);
}

std::string code_table(const std::vector<StoredCode>& codes) {
  Rows rows{{"number", "code", "bits", "value", "error"}};
  for (const StoredCode& code : codes)
    rows.push_back({short_text(code.number), short_text(code.code.value),
                    fields_text(code.layout, code.code.bits), short_text(code.value),
                    figure(code.value - code.number)});
  return format_table(rows, 0);
}

std::string quantized_text(const QuantizedValues& values, std::size_t given) {
  const std::vector<NumberLayout> layouts = number_layouts();
  std::string text = std::to_string(values.given.size()) + " values in " + values.format + ": " +
                     figure(values.bits_per_value) + " bits a value, " + formula(values) + "\n";
  if (given < values.given.size())
    text += "(" + std::to_string(given) + (given == 1 ? " was given and is" : " were given and are") +
            " repeated)\n";
  text += "\n";
  for (const StoredFactor& factor : values.factors) {
    const NumberLayout& layout = layout_named(layouts, factor.format);
    text += "block " + std::to_string(factor.block) + ": " + factor.name + " " +
            exact_text(factor.pattern.value) + " (" + factor.format + ": " +
            fields_text(layout, factor.pattern.bits) + " = " + hex_text(layout, factor.pattern.bits) + ")\n";
  }
  for (const QuantizedGroup& group : values.groups) text += group_text(values, group) + "\n";
  Rows rows{{"number", "code", "value", "error"}};
  const std::size_t shown = repeats(values, given) ? given : values.given.size();
  for (std::size_t i = 0; i < shown; ++i)
    rows.push_back({float_text(values.given[i]), std::to_string(values.codes[i]),
                    float_text(values.values[i]),
                    figure(static_cast<double>(values.values[i]) - values.given[i])});
  text += "\n" + format_table(rows, 0) + "\n";
  text += "MSE " + figure(values.mean_squared_error) + ", SQNR " + figure(values.sqnr) + " dB, cosine " +
          figure(values.cosine) + ", largest error " + figure(values.largest_error) + "\n";
  return text;
}

}  // namespace lathe::apps
