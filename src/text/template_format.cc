#include "text/template_format.h"

#include <array>
#include <charconv>
#include <cmath>

#include "text/template_machine.h"
#include "text/template_operators.h"
#include "text/template_print.h"
#include "text/template_text.h"
#include "text/utf8.h"

namespace lathe::jinja {
namespace {

constexpr std::size_t kMostWidth = 10'000;

struct Spec {
  bool left = false, zero = false, plus = false, space = false;
  std::size_t width = 0;
  std::optional<std::size_t> precision;
};

class Formatter {
 public:
  Formatter(Machine& machine, std::string_view format, const Value& values, bool escaping)
      : machine_(machine), format_(format), values_(values), escaping_(escaping) {}

  std::string run() {
    while (at_ < format_.size()) {
      const std::size_t percent = std::min(format_.find('%', at_), format_.size());
      out_.append(format_.substr(at_, percent - at_));
      at_ = percent;
      if (at_ < format_.size()) conversion();
    }
    const List* list = values_.list();
    const bool all = values_.dict() || !list || list->kind != ListKind::tuple || used_ == list->items.size();
    const bool plain = !list && !values_.dict() && used_ == 0;
    if (!all || plain) machine_.fail("not all arguments converted during string formatting");
    return std::move(out_);
  }

 private:
  char next() {
    if (at_ == format_.size()) machine_.fail("incomplete format");
    return format_[at_++];
  }

  std::size_t number() {
    std::size_t value = 0;
    while (at_ < format_.size() && format_[at_] >= '0' && format_[at_] <= '9') {
      value = value * 10 + static_cast<std::size_t>(format_[at_++] - '0');
      if (value > kMostWidth) machine_.fail("a field of more than 10000 characters");
    }
    return value;
  }

  void conversion() {
    ++at_;
    std::optional<Value> named;
    if (at_ < format_.size() && format_[at_] == '(') {
      const std::size_t close = format_.find(')', at_);
      if (close == format_.npos || !values_.dict()) machine_.fail("format requires a mapping");
      const Value* found = find_entry(machine_, *values_.dict(),
                                      machine_.text(std::string(format_.substr(at_ + 1, close - at_ - 1))));
      if (!found) machine_.fail("format names a missing key");
      named = *found;
      at_ = close + 1;
    }
    Spec spec;
    for (char c = next();; c = next()) {
      if (c == '-') {
        spec.left = true;
      } else if (c == '0') {
        spec.zero = true;
      } else if (c == '+') {
        spec.plus = true;
      } else if (c == ' ') {
        spec.space = true;
      } else {
        --at_;
        break;
      }
    }
    spec.width = number();
    if (at_ < format_.size() && format_[at_] == '.') {
      ++at_;
      spec.precision = number();
    }
    const char kind = next();
    if (kind == '%') {
      out_ += '%';
      return;
    }
    put(spec, kind, named ? *named : next_value());
  }

  Value next_value() {
    const List* list = values_.list();
    if (list && list->kind == ListKind::tuple) {
      if (used_ == list->items.size()) machine_.fail("not enough arguments for format string");
      return list->items[used_++];
    }
    if (used_++ > 0) machine_.fail("not enough arguments for format string");
    return values_;
  }

  /// As Markup's wrapper of a value: it is a number through int() and float(), and no index for x and o.
  Value number_of_text(char kind, const Value& value) {
    const bool whole = std::string_view("diu").find(kind) != std::string_view::npos;
    if (whole && value.is_text()) {
      if (const auto integer = parse_integer(value.text())) return Value(*integer);
    } else if (std::string_view("xXo").find(kind) == std::string_view::npos) {
      if (!value.is_text()) return value;
      if (const auto real = parse_float(value.text())) return Value(*real);
    }
    machine_.fail(std::string("%") + kind + " format: a number is required");
  }

  void put(const Spec& spec, char kind, const Value& given) {
    const bool text_kind = kind == 's' || kind == 'r';
    const Value value = escaping_ && !text_kind ? number_of_text(kind, given) : given;
    if (text_kind) {
      std::string text = kind == 'r' ? print_repr(machine_, value)
                         : escaping_ ? print_escaped(machine_, value)
                                     : print(machine_, value);
      if (escaping_ && kind == 'r') text = escape_html(text);
      if (spec.precision) {
        const auto runes = runes_of(text);
        text = text_of(runes, 0, std::min(runes.size(), *spec.precision));
      }
      return pad(spec, "", text, false);
    }
    if (std::string_view("diuxXofFeEgG").find(kind) == std::string_view::npos)
      machine_.fail(std::string("unsupported format character '") + kind + "'");
    const auto real = as_float(value);
    if (!real)
      machine_.fail(std::string("%") + kind + " format: a number is required, not " +
                    std::string(type_of(value)));
    const bool whole = std::string_view("diuxXo").find(kind) != std::string_view::npos;
    const bool negative = std::signbit(*real);
    const std::string sign = negative ? "-" : spec.plus ? "+" : spec.space ? " " : "";
    std::string digits = whole ? integer_digits(kind, value) : real_digits(spec, kind, std::abs(*real));
    if (whole && spec.precision && digits.size() < *spec.precision)
      digits.insert(0, *spec.precision - digits.size(), '0');
    pad(spec, sign, digits, true);
  }

  std::string integer_digits(char kind, const Value& value) {
    std::int64_t number = 0;
    if (const auto integer = as_integer(value)) {
      number = *integer;
    } else {
      const double real = std::trunc(*as_float(value));
      if (!(std::abs(real) < 9.2e18) || kind == 'x' || kind == 'X' || kind == 'o')
        machine_.fail("an integer is required");
      number = static_cast<std::int64_t>(real);
    }
    const auto size =
        number < 0 ? ~static_cast<std::uint64_t>(number) + 1 : static_cast<std::uint64_t>(number);
    std::array<char, 32> buffer;
    const int base = kind == 'x' || kind == 'X' ? 16 : kind == 'o' ? 8 : 10;
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), size, base).ptr;
    const std::string text(buffer.data(), end);
    return kind == 'X' ? upper(text) : text;
  }

  std::string real_digits(const Spec& spec, char kind, double number) {
    const char form = static_cast<char>(kind | 0x20);
    const auto style = form == 'f'   ? std::chars_format::fixed
                       : form == 'e' ? std::chars_format::scientific
                                     : std::chars_format::general;
    std::string buffer(spec.precision.value_or(6) + 400, '\0');
    const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number, style,
                                      static_cast<int>(spec.precision.value_or(6)));
    if (result.ec != std::errc()) machine_.fail("a number that is too long");
    buffer.resize(static_cast<std::size_t>(result.ptr - buffer.data()));
    return kind == form ? buffer : upper(buffer);
  }

  void pad(const Spec& spec, const std::string& sign, const std::string& text, bool number) {
    const auto length = static_cast<std::size_t>(length_of(text)) + sign.size();
    const std::string fill(spec.width > length ? spec.width - length : 0,
                           spec.zero && number && !spec.left ? '0' : ' ');
    machine_.charge(text.size() + fill.size());
    if (spec.left) {
      out_ += sign + text + fill;
    } else {
      out_ += spec.zero && number ? sign + fill + text : fill + sign + text;
    }
    if (out_.size() > machine_.limits().output_bytes) machine_.charge(~std::size_t{0});
  }

  Machine& machine_;
  std::string_view format_;
  const Value& values_;
  bool escaping_;
  std::size_t at_ = 0;
  std::size_t used_ = 0;
  std::string out_;
};

}  // namespace

std::string format_percent(Machine& machine, std::string_view format, const Value& values, bool escaping) {
  machine.charge(format.size());
  return Formatter(machine, format, values, escaping).run();
}

namespace {

const Value& brace_argument(Machine& machine, std::string_view name, std::size_t& automatic,
                            const Arguments& arguments) {
  if (name.empty() || name.find_first_not_of("0123456789") == name.npos) {
    const auto index =
        name.empty() ? static_cast<std::int64_t>(automatic++) : parse_integer(name).value_or(-1);
    if (index < 0 || static_cast<std::size_t>(index) >= arguments.positional.size())
      machine.fail("format() lacks an argument");
    return arguments.positional[static_cast<std::size_t>(index)];
  }
  for (const auto& [known, value] : arguments.keywords) {
    if (known == name) return value;
  }
  machine.fail("format() has no argument '" + std::string(name) + "'");
}

}  // namespace

std::string format_braces(Machine& machine, std::string_view format, const Arguments& arguments,
                          bool escaping) {
  std::string out;
  std::size_t automatic = 0;
  for (std::size_t i = 0; i < format.size(); ++i) {
    const bool twice = i + 1 < format.size() && format[i + 1] == format[i];
    if ((format[i] != '{' && format[i] != '}') || twice) {
      out += format[i];
      i += twice && (format[i] == '{' || format[i] == '}') ? 1 : 0;
      continue;
    }
    const std::size_t close = format[i] == '{' ? format.find('}', i) : format.npos;
    if (close == format.npos) machine.fail("single brace in a format");
    std::string_view field = format.substr(i + 1, close - i - 1);
    const bool repr = field.ends_with("!r");
    if (repr || field.ends_with("!s")) field.remove_suffix(2);
    if (field.find_first_of(":.[!{") != field.npos) machine.fail("format() knows only plain fields");
    const Value& value = brace_argument(machine, field, automatic, arguments);
    if (repr) {
      out += escaping ? escape_html(print_repr(machine, value)) : print_repr(machine, value);
    } else {
      out += escaping ? print_escaped(machine, value) : print(machine, value);
    }
    if (out.size() > machine.limits().output_bytes) break;  // refused by whoever takes the text
    i = close;
  }
  return out;
}

}  // namespace lathe::jinja
