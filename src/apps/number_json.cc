#include "apps/number_json.h"

#include <initializer_list>
#include <utility>

#include "apps/number_steps.h"
#include "apps/output.h"
#include "lathe/inspection.h"

namespace lathe::apps {
namespace {

using Members = std::vector<std::pair<std::string, std::string>>;

std::string object(const Members& members) {
  std::string text;
  for (const auto& [name, value] : members)
    text += (text.empty() ? "" : ", ") + json_string(name) + ": " + value;
  return "{" + text + "}";
}

template <class Items, class Text>
std::string array(const Items& items, const Text& text_of) {
  std::string text;
  for (const auto& item : items) text += (text.empty() ? "" : ", ") + text_of(item);
  return "[" + text + "]";
}

std::string pattern(const NumberLayout& layout, const std::optional<NumberPattern>& pattern) {
  if (!pattern) return "null";
  return object({{"bits", json_string(hex_text(layout, pattern->bits))},
                 {"fields", json_string(fields_text(layout, pattern->bits))},
                 {"value", json_number(pattern->value)}});
}

}  // namespace

std::string stored_json(const StoredNumber& number) {
  Members members = {{"format", json_string(number.layout.name)}, {"number", json_number(number.number)}};
  if (!number.stored) {
    members.emplace_back("stored", "null");
    return object(members);
  }
  members.emplace_back("stored", pattern(number.layout, number.stored));
  members.emplace_back("error", json_number(number.stored->value - number.number));
  members.emplace_back("kind", json_string(number.kind));
  members.emplace_back("rounding", json_string(number.rounding));
  members.emplace_back("binary", json_string(number.binary));
  if (!number.layout.integer()) {
    members.emplace_back("exponent", std::to_string(number.exponent));
    members.emplace_back("bias", std::to_string(number.layout.bias));
    members.emplace_back("kept", json_string(number.kept));
    members.emplace_back("cut_off", json_string(number.cut_off));
  }
  members.emplace_back("below", pattern(number.layout, number.below));
  members.emplace_back("above", pattern(number.layout, number.above));
  return object(members);
}

std::string stored_json(const std::vector<StoredNumber>& numbers) {
  return array(numbers, [](const StoredNumber& number) { return stored_json(number); });
}

std::string code_json(const StoredCode& code) {
  return object({{"format", json_string(code.layout.name)},
                 {"number", json_number(code.number)},
                 {"scale", json_number(code.scale)},
                 {"zero_point", std::to_string(code.zero_point)},
                 {"code", json_number(code.code.value)},
                 {"bits", json_string(hex_text(code.layout, code.code.bits))},
                 {"value", json_number(code.value)},
                 {"error", json_number(code.value - code.number)}});
}

std::string code_json(const std::vector<StoredCode>& codes) {
  return array(codes, [](const StoredCode& code) { return code_json(code); });
}

std::string quantized_json(const QuantizedValues& values) {
  const auto floats = [](float value) { return json_number(static_cast<double>(value)); };
  return object({{"format", json_string(values.format)},
                 {"bits_per_value", json_number(values.bits_per_value)},
                 {"given", array(values.given, floats)},
                 {"codes", array(values.codes, [](int code) { return std::to_string(code); })},
                 {"values", array(values.values, floats)},
                 {"groups", array(values.groups,
                                  [](const QuantizedGroup& group) {
                                    return object({{"first", std::to_string(group.first)},
                                                   {"count", std::to_string(group.count)},
                                                   {"scale", json_number(group.scale)},
                                                   {"minimum", json_number(group.minimum)},
                                                   {"zero_point", std::to_string(group.zero_point)}});
                                  })},
                 {"mean_squared_error", json_number(values.mean_squared_error)},
                 {"sqnr", json_number(values.sqnr)},
                 {"cosine", json_number(values.cosine)},
                 {"largest_error", json_number(values.largest_error)}});
}

}  // namespace lathe::apps
