#include "text/template_print.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "text/template_machine.h"
#include "text/template_operators.h"
#include "text/template_text.h"
#include "text/utf8.h"

namespace lathe::jinja {
namespace {

/// Text that is paid for while it grows: shared lists can print much longer than they are.
class Writer {
 public:
  explicit Writer(Machine& machine) : machine_(machine) {}
  void put(std::string_view text) {
    machine_.charge(16 + text.size());
    out_ += text;
  }
  std::string take() { return std::move(out_); }

 private:
  Machine& machine_;
  std::string out_;
};

void put_hex(Writer& writer, std::string_view prefix, char32_t value, int digits) {
  std::string out(prefix);
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) out += "0123456789abcdef"[value >> shift & 15];
  writer.put(out);
}

void repr_text(Writer& writer, std::string_view text) {
  const bool single = text.find('\'') != text.npos && text.find('"') == text.npos;
  const char quote = single ? '"' : '\'';
  std::string out(1, quote);
  for (std::size_t i = 0; i < text.size();) {
    const Rune rune = rune_at(text, i);
    if (rune.value == static_cast<char32_t>(quote) || rune.value == '\\') {
      (out += '\\') += text[i];
    } else if (rune.value == '\n' || rune.value == '\r' || rune.value == '\t') {
      out += rune.value == '\n' ? "\\n" : rune.value == '\r' ? "\\r" : "\\t";
    } else if (is_printable(rune.value)) {
      out.append(text, i, rune.length);
    } else {
      writer.put(out);
      out.clear();
      if (rune.value < 0x100) {
        put_hex(writer, "\\x", rune.value, 2);
      } else if (rune.value < 0x10000) {
        put_hex(writer, "\\u", rune.value, 4);
      } else {
        put_hex(writer, "\\U", rune.value, 8);
      }
    }
    i += rune.length;
  }
  writer.put(out += quote);
}

void repr(Machine& machine, Writer& writer, const Value& value);

void repr_list(Machine& machine, Writer& writer, const List& list) {
  if (list.kind == ListKind::iterator) machine.fail("a generator has no text of its own");
  if (list.kind == ListKind::range) return writer.put(list.shown);
  const bool tuple = list.kind == ListKind::tuple;
  writer.put(list.shown);  // of a view: dict_keys( and the like
  writer.put(tuple ? "(" : "[");
  for (std::size_t i = 0; i < list.items.size(); ++i) {
    if (i > 0) writer.put(", ");
    repr(machine, writer, list.items[i]);
  }
  if (tuple && list.items.size() == 1) writer.put(",");
  writer.put(tuple ? ")" : "]");
  if (!list.shown.empty()) writer.put(")");
}

void repr(Machine& machine, Writer& writer, const Value& value) {
  if (value.is_text()) {
    if (value.is_markup()) writer.put("Markup(");
    repr_text(writer, value.text());
    if (value.is_markup()) writer.put(")");
  } else if (const List* list = value.list()) {
    repr_list(machine, writer, *list);
  } else if (const Dict* dict = value.dict()) {
    writer.put("{");
    bool first = true;
    for (const auto& [key, item] : dict->items) {
      if (!first) writer.put(", ");
      first = false;
      repr(machine, writer, key);
      writer.put(": ");
      repr(machine, writer, item);
    }
    writer.put("}");
  } else if (value.is<Undefined>()) {
    writer.put("Undefined");
  } else {
    writer.put(print(machine, value));
  }
}

void json_text(Writer& writer, std::string_view text, bool ascii) {
  writer.put("\"");
  std::size_t plain = 0;
  for (std::size_t i = 0; i < text.size();) {
    const Rune rune = rune_at(text, i);
    const bool escaped =
        rune.value < 0x20 || rune.value == '"' || rune.value == '\\' || (ascii && rune.value >= 0x7F);
    if (escaped) {
      writer.put(text.substr(plain, i - plain));
      constexpr std::string_view kPlain = "\"\\\n\r\t\b\f";
      constexpr std::array<std::string_view, 7> kShort = {"\\\"", "\\\\", "\\n", "\\r", "\\t", "\\b", "\\f"};
      const std::size_t known = rune.value < 0x80 ? kPlain.find(static_cast<char>(rune.value)) : kPlain.npos;
      if (known != kPlain.npos) {
        writer.put(kShort[known]);
      } else if (rune.value < 0x10000) {
        if (rune.value == 0x7F) {
          writer.put("\x7F");
        } else {
          put_hex(writer, "\\u", rune.value, 4);
        }
      } else {
        put_hex(writer, "\\u", 0xD800 + ((rune.value - 0x10000) >> 10), 4);
        put_hex(writer, "\\u", 0xDC00 + ((rune.value - 0x10000) & 0x3FF), 4);
      }
      plain = i + rune.length;
    }
    i += rune.length;
  }
  writer.put(text.substr(plain));
  writer.put("\"");
}

std::string json_float(double number) {
  if (std::isnan(number)) return "NaN";
  if (std::isinf(number)) return number < 0 ? "-Infinity" : "Infinity";
  return print_float(number);
}

class JsonPrinter {
 public:
  JsonPrinter(Machine& machine, const JsonStyle& style)
      : machine_(machine), writer_(machine), style_(style) {}
  std::string take() { return writer_.take(); }

  void put(const Value& value) {
    if (value.is_text()) return json_text(writer_, value.text(), style_.ascii);
    if (const Dict* dict = value.dict()) return put_dict(*dict);
    const List* list = value.list();
    if (list && (list->kind == ListKind::list || list->kind == ListKind::tuple)) return put_list(*list);
    writer_.put(scalar(value));
  }

 private:
  std::string scalar(const Value& value) {
    if (const auto* flag = value.get<bool>()) return *flag ? "true" : "false";
    if (value.is<None>()) return "null";
    if (const auto* number = value.get<std::int64_t>()) return std::to_string(*number);
    if (const auto* number = value.get<double>()) return json_float(*number);
    machine_.fail("Object of type " + std::string(type_of(value)) + " is not JSON serializable");
  }

  void new_line() {
    if (!style_.indent) return;
    std::string text = "\n";
    for (int i = 0; i < level_; ++i) text += *style_.indent;
    writer_.put(text);
  }

  void put_list(const List& list) {
    if (list.items.empty()) return writer_.put("[]");
    writer_.put("[");
    ++level_;
    for (std::size_t i = 0; i < list.items.size(); ++i) {
      if (i > 0) writer_.put(style_.item_separator);
      new_line();
      put(list.items[i]);
    }
    --level_;
    new_line();
    writer_.put("]");
  }

  void put_dict(const Dict& dict) {
    if (dict.items.empty()) return writer_.put("{}");
    auto items = dict.items;
    if (style_.sort_keys) {
      std::stable_sort(items.begin(), items.end(),
                       [&](const auto& a, const auto& b) { return less(machine_, a.first, b.first); });
    }
    writer_.put("{");
    ++level_;
    bool first = true;
    for (const auto& [key, value] : items) {
      if (!first) writer_.put(style_.item_separator);
      first = false;
      new_line();
      json_text(writer_, key.is_text() ? std::string(key.text()) : scalar(key), style_.ascii);
      writer_.put(style_.key_separator);
      put(value);
    }
    --level_;
    new_line();
    writer_.put("}");
  }

  Machine& machine_;
  Writer writer_;
  const JsonStyle& style_;
  int level_ = 0;
};

}  // namespace

std::string print_float(double number) {
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number < 0 ? "-inf" : "inf";
  std::array<char, 40> buffer;
  const auto end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), number, std::chars_format::scientific).ptr;
  std::string_view shortest(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
  std::string out;
  if (shortest.starts_with('-')) {
    out = "-";
    shortest.remove_prefix(1);
  }
  const std::size_t e = shortest.find('e');
  int exponent = 0;
  const std::string_view exponent_text = shortest.substr(e + (shortest[e + 1] == '+' ? 2 : 1));
  std::from_chars(exponent_text.data(), exponent_text.data() + exponent_text.size(), exponent);
  std::string digits(1, shortest[0]);
  if (e > 2) digits += shortest.substr(2, e - 2);
  // repr: scientific below 1e-4 and from 1e16 on.
  if (exponent < -4 || exponent >= 16) {
    out += digits[0];
    if (digits.size() > 1) (out += '.') += digits.substr(1);
    const int size = std::abs(exponent);
    return out + (exponent < 0 ? "e-" : "e+") + (size < 10 ? "0" : "") + std::to_string(size);
  }
  if (exponent < 0) return out + "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') + digits;
  const auto whole = static_cast<std::size_t>(exponent) + 1;
  if (digits.size() <= whole) return out + digits + std::string(whole - digits.size(), '0') + ".0";
  return out + digits.substr(0, whole) + "." + digits.substr(whole);
}

std::string print(Machine& machine, const Value& value) {
  if (value.is_text()) return std::string(value.text());
  if (value.is<Undefined>()) return {};
  if (value.is<None>()) return "None";
  if (const auto* flag = value.get<bool>()) return *flag ? "True" : "False";
  if (const auto* number = value.get<std::int64_t>()) return std::to_string(*number);
  if (const auto* number = value.get<double>()) return print_float(*number);
  if (const Object* object = value.object())
    machine.fail("a " + std::string(object->type()) + " has no text of its own");
  return print_repr(machine, value);
}

std::string print_escaped(Machine& machine, const Value& value) {
  std::string text = print(machine, value);
  return value.is_markup() ? text : escape_html(text);
}

std::string print_repr(Machine& machine, const Value& value) {
  Writer writer(machine);
  repr(machine, writer, value);
  return writer.take();
}

std::string print_json(Machine& machine, const Value& value, const JsonStyle& style) {
  JsonPrinter printer(machine, style);
  printer.put(value);
  return printer.take();
}

}  // namespace lathe::jinja
