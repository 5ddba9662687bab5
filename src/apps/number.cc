// lathe number: how numbers become bits. One number step by step, a table of all formats, lists as codes.
#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <memory>

#include "apps/command.h"
#include "apps/decimal.h"
#include "apps/number_json.h"
#include "apps/number_list.h"
#include "apps/number_steps.h"
#include "apps/options.h"
#include "apps/output.h"
#include "lathe/inspection.h"
#include "lathe/quantization.h"

namespace lathe::apps {
namespace {

struct NumberWords {
  std::string values;
  std::string format;
  std::string scale;
  std::string zero;
  bool symmetric = false;
  bool asymmetric = false;
  std::string group;
  bool json = false;
};

struct GivenNumber {
  std::string text;
  double value;
  bool exact;
};

[[noreturn]] void refuse(const std::string& message) { throw Error(ErrorCode::invalid_argument, message); }

bool names_bits(const std::string& text) { return text.starts_with("0x") || text.starts_with("0X"); }

std::uint64_t read_bits(const std::string& text) {
  std::uint64_t bits = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data() + 2, end, bits, 16);
  if (error != std::errc() || rest != end) refuse(json_string(text) + " is no pattern of at most 64 bits");
  return bits;
}

GivenNumber read_number(const std::string& text) {
  const auto decimal = parse_decimal(text);
  if (!decimal) refuse(json_string(text) + " is no number that a double holds");
  return {text, decimal->value, decimal->exact};
}

/// Numbers between commas and white space.
std::vector<GivenNumber> read_numbers(const std::string& text) {
  std::vector<GivenNumber> numbers;
  std::string word;
  bool comma = true;  // a number must come
  const auto finish = [&] {
    if (!word.empty()) numbers.push_back(read_number(word));
    comma = comma && word.empty();
    word.clear();
  };
  for (const char c : text) {
    if (c == ',') {
      finish();
      if (comma) refuse("between two commas there is no number");
      comma = true;
    } else if (std::isspace(static_cast<unsigned char>(c)) != 0) {
      finish();
    } else {
      word += c;
    }
  }
  finish();
  if (comma) refuse(numbers.empty() ? "there is no number" : "behind the last comma there is no number");
  return numbers;
}

int read_whole(const std::string& text, const char* flag) {
  int value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || rest != end)
    refuse(std::string(flag) + " " + json_string(text) + " is no whole number");
  return value;
}

/// A line for a number that is no double, which all steps start from.
std::string note_on(const GivenNumber& number) {
  constexpr int kShown = 60;
  if (number.exact) return {};
  return number.text + " is none of the numbers that 64 bits hold; the nearest of them is taken:\n" +
         first_digits(number.value, kShown) + "\n\n";
}

bool is_block_format(const std::string& name) { return std::ranges::count(block_format_names(), name) > 0; }

/// The N of "intN", 2 to 8; 0 for other names.
int code_bits(const std::string& format) {
  if (format.size() != 4 || !format.starts_with("int") || format[3] < '2' || format[3] > '8') return 0;
  return format[3] - '0';
}

const NumberLayout* layout_of(const std::vector<NumberLayout>& layouts, const std::string& name) {
  const auto found = std::ranges::find(layouts, name, &NumberLayout::name);
  return found == layouts.end() ? nullptr : &*found;
}

int run_table(const GivenNumber& number, bool json) {
  std::vector<StoredNumber> all;
  for (const NumberLayout& layout : number_layouts()) all.push_back(store_number(number.value, layout.name));
  if (json)
    write_out(stored_json(all) + "\n");
  else
    write_out(note_on(number) + stored_table(all, true));
  return 0;
}

int run_bits(const NumberWords& words) {
  if (words.format.empty()) refuse("bits mean nothing without --format");
  const StoredNumber number = read_pattern(read_bits(words.values), words.format);
  write_out(words.json ? stored_json(number) + "\n" : reading_text(number));
  return 0;
}

int run_codes(const NumberWords& words, const std::vector<GivenNumber>& numbers) {
  double scale = 1;
  if (!words.scale.empty()) scale = read_number(words.scale).value;
  const int zero = words.zero.empty() ? 0 : read_whole(words.zero, "--zero");
  std::vector<StoredCode> codes;
  for (const GivenNumber& number : numbers)
    codes.push_back(store_code(number.value, words.format, scale, zero));
  if (words.json)
    write_out((codes.size() == 1 ? code_json(codes.front()) : code_json(codes)) + "\n");
  else if (codes.size() == 1)
    write_out(code_text(codes.front(), numbers.front().text, note_on(numbers.front())));
  else
    write_out(code_table(codes));
  return 0;
}

int run_list(const NumberWords& words, const std::vector<GivenNumber>& numbers) {
  std::vector<float> values;
  for (const GivenNumber& number : numbers) values.push_back(static_cast<float>(number.value));
  const bool blocks = is_block_format(words.format);
  QuantizedValues quantized;
  if (blocks) {
    if (words.symmetric || words.asymmetric || !words.group.empty())
      refuse(words.format + " has its own groups and its own scales");
    quantized = quantize_blocks(values, words.format);
  } else {
    const int group = words.group.empty() ? 0 : read_whole(words.group, "--group");
    if (!words.group.empty() && group < 1) refuse("--group: a group has at least one value");
    quantized = quantize_values(values, code_bits(words.format), !words.asymmetric, group);
  }
  write_out(words.json ? quantized_json(quantized) + "\n" : quantized_text(quantized, values.size()));
  return 0;
}

int run(const NumberWords& words) {
  const bool scaled = !words.scale.empty() || !words.zero.empty();
  const bool searched = words.symmetric || words.asymmetric || !words.group.empty();
  if (words.symmetric && words.asymmetric) refuse("--symmetric and --asymmetric exclude each other");
  if (scaled && searched) refuse("with --scale and --zero there is no scale to find");
  if (names_bits(words.values)) {
    if (scaled || searched) refuse("bits are read without scales");
    return run_bits(words);
  }
  const std::vector<GivenNumber> numbers =
      read_numbers(words.values == "-" ? text_or_stdin("-") : words.values);
  if (words.format.empty()) {
    if (scaled || searched) refuse("a scale means nothing without --format");
    if (numbers.size() > 1) refuse("several numbers need --format");
    return run_table(numbers.front(), words.json);
  }
  const std::vector<NumberLayout> layouts = number_layouts();
  const NumberLayout* layout = layout_of(layouts, words.format);
  if (is_block_format(words.format) && scaled) refuse(words.format + " has its own scales");
  if (searched && code_bits(words.format) == 0 && !is_block_format(words.format))
    refuse("--symmetric, --asymmetric and --group are for int2 to int8");
  const bool several = numbers.size() > 1 && !scaled;
  if (is_block_format(words.format) || searched || (several && code_bits(words.format) != 0))
    return run_list(words, numbers);
  if (scaled || (layout != nullptr && layout->integer() && std::isfinite(numbers.front().value)))
    return run_codes(words, numbers);
  std::vector<StoredNumber> stored;
  for (const GivenNumber& number : numbers) {
    if (layout == nullptr && number.text == numbers.front().text) {
      try {
        static_cast<void>(store_number(number.value, words.format));
      } catch (const Error& error) {
        std::string blocks;
        for (const std::string& name : block_format_names()) blocks += (blocks.empty() ? "" : ", ") + name;
        refuse(std::string(error.what()) + "; blocks are " + blocks);
      }
    }
    stored.push_back(store_number(number.value, words.format));
  }
  if (words.json)
    write_out((stored.size() == 1 ? stored_json(stored.front()) : stored_json(stored)) + "\n");
  else if (stored.size() == 1)
    write_out(steps_text(stored.front(), numbers.front().text, note_on(numbers.front())));
  else
    write_out(stored_table(stored, false));
  return 0;
}

}  // namespace

void add_number(CLI::App& program, Context& context) {
  auto words = std::make_shared<NumberWords>();
  CLI::App* command = program.add_subcommand("number", "show how a number becomes bits, in any format");
  command->add_option(
      "VALUES", words->values,
      "a number (6.5, 1e-8, -0, inf, nan), numbers with commas between them, bits (0x4680) or -: "
      "numbers from stdin");
  std::string names;
  for (const NumberLayout& layout : number_layouts()) names += (names.empty() ? "" : ", ") + layout.name;
  for (const std::string& name : block_format_names()) names += ", " + name;
  command->add_option("--format", words->format,
                      "one of " + names + "; without it a table of the number formats");
  command->add_option("--scale", words->scale,
                      "of int8 and int4: value = scale x (code - zero point); default 1");
  command->add_option("--zero", words->zero, "the zero point; default 0");
  command->add_flag("--symmetric", words->symmetric,
                    "int2 to int8: find the scale of the values, zero point 0");
  command->add_flag("--asymmetric", words->asymmetric, "find scale and zero point");
  command->add_option("--group", words->group, "values that share a scale; default all");
  command->add_flag("--json", words->json, "print JSON");
  command->allow_extras();  // -inf looks like an option
  command->callback([words, command, &context] {
    for (const std::string& extra : command->remaining()) {
      if (!parse_decimal(extra) || !words->values.empty()) throw CLI::ExtrasError({extra});
      words->values = extra;
    }
    if (words->values.empty()) throw CLI::RequiredError("VALUES");
    context.chosen = [words] { return run(*words); };
  });
}

}  // namespace lathe::apps
