#include "text/template_text.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "text/utf8.h"

namespace lathe::jinja {
namespace {

utf8proc_category_t category(char32_t rune) { return utf8proc_category(static_cast<utf8proc_int32_t>(rune)); }

bool is_cased(char32_t rune) {
  const auto kind = category(rune);
  return kind == UTF8PROC_CATEGORY_LU || kind == UTF8PROC_CATEGORY_LL || kind == UTF8PROC_CATEGORY_LT;
}

void append_upper(std::string& out, char32_t rune) {
  if (rune == 0xDF) {  // the sharp s is the one common letter whose capital is two
    out += "SS";
  } else {
    append_rune(out, static_cast<char32_t>(utf8proc_toupper(static_cast<utf8proc_int32_t>(rune))));
  }
}

void append_title(std::string& out, char32_t rune) {
  if (rune == 0xDF) {
    out += "Ss";
  } else {
    append_rune(out, static_cast<char32_t>(utf8proc_totitle(static_cast<utf8proc_int32_t>(rune))));
  }
}

void append_lower(std::string& out, char32_t rune) {
  append_rune(out, static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(rune))));
}

bool is_line_end(char32_t rune) {  // of str.splitlines
  return (rune >= 0x0A && rune <= 0x0D) || (rune >= 0x1C && rune <= 0x1E) || rune == 0x85 || rune == 0x2028 ||
         rune == 0x2029;
}

/// Without surrounding space, a leading plus and the underscores between digits; empty if an underscore is
/// elsewhere.
std::string plain_number(std::string_view text) {
  text = strip(text, true, true, is_space);
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '_') {
      const auto alnum = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
      };
      if (i == 0 || i + 1 == text.size() || !alnum(text[i - 1]) || !alnum(text[i + 1])) return {};
      continue;
    }
    out += text[i];
  }
  if (out.starts_with('+') && !out.starts_with("+-")) out.erase(0, 1);
  return out;
}

}  // namespace

bool is_space(char32_t rune) {
  return (rune >= 0x09 && rune <= 0x0D) || (rune >= 0x1C && rune <= 0x20) || rune == 0x85 || rune == 0xA0 ||
         rune == 0x1680 || (rune >= 0x2000 && rune <= 0x200A) || rune == 0x2028 || rune == 0x2029 ||
         rune == 0x202F || rune == 0x205F || rune == 0x3000;
}

bool is_printable(char32_t rune) {
  if (rune == ' ') return true;
  switch (category(rune)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_ZS:
      return false;
    default:
      return true;
  }
}

bool is_letter(char32_t rune) {
  const auto kind = category(rune);
  return kind >= UTF8PROC_CATEGORY_LU && kind <= UTF8PROC_CATEGORY_LO;
}

bool is_numeral(char32_t rune) {
  const auto kind = category(rune);
  return kind >= UTF8PROC_CATEGORY_ND && kind <= UTF8PROC_CATEGORY_NO;
}

bool is_word(char32_t rune) { return is_letter(rune) || is_numeral(rune) || rune == '_'; }

std::vector<char32_t> runes_of(std::string_view text) {
  std::vector<char32_t> runes;
  runes.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const Rune rune = rune_at(text, i);
    runes.push_back(rune.value);
    i += rune.length;
  }
  return runes;
}

std::string text_of(const std::vector<char32_t>& runes, std::size_t begin, std::size_t end) {
  std::string out;
  for (std::size_t i = begin; i < end; ++i) append_rune(out, runes[i]);
  return out;
}

std::int64_t length_of(std::string_view text) {
  return std::count_if(text.begin(), text.end(),
                       [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
}

std::string_view strip(std::string_view text, bool left, bool right,
                       const std::function<bool(char32_t)>& drop) {
  while (left && !text.empty()) {
    const Rune rune = rune_at(text, 0);
    if (!drop(rune.value)) break;
    text.remove_prefix(rune.length);
  }
  while (right && !text.empty()) {
    std::size_t at = text.size() - 1;
    while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;
    if (!drop(rune_at(text, at).value)) break;
    text = text.substr(0, at);
  }
  return text;
}

std::string upper(std::string_view text) {
  std::string out;
  for (const char32_t rune : runes_of(text)) append_upper(out, rune);
  return out;
}

std::string lower(std::string_view text) {
  std::string out;
  for (const char32_t rune : runes_of(text)) append_lower(out, rune);
  return out;
}

std::string title(std::string_view text) {
  std::string out;
  bool inside = false;
  for (const char32_t rune : runes_of(text)) {
    inside ? append_lower(out, rune) : append_title(out, rune);
    inside = is_cased(rune);
  }
  return out;
}

std::string capitalize(std::string_view text) {
  std::string out;
  for (const char32_t rune : runes_of(text)) out.empty() ? append_title(out, rune) : append_lower(out, rune);
  return out;
}

std::string replace(std::string_view text, std::string_view old, std::string_view with, std::int64_t count,
                    std::size_t limit) {
  std::string out;
  std::size_t at = 0;
  // An empty text to replace stands before every character and at the end.
  while (count != 0 && out.size() <= limit) {
    const std::size_t found = old.empty() ? at : text.find(old, at);
    if (found == std::string_view::npos) break;
    out.append(text, at, found - at).append(with);
    at = found + old.size();
    if (count > 0) --count;
    if (!old.empty()) continue;
    if (at == text.size()) return out;
    const std::size_t length = rune_at(text, at).length;
    out.append(text, at, length);
    at += length;
  }
  return out.append(text.substr(at));
}

std::string escape_html(std::string_view text) {
  constexpr std::string_view kSpecial = "&<>'\"";
  constexpr std::array<std::string_view, 5> kNames = {"&amp;", "&lt;", "&gt;", "&#39;", "&#34;"};
  std::string out;
  for (const char c : text) {
    const std::size_t known = kSpecial.find(c);
    if (known == kSpecial.npos) {
      out += c;
    } else {
      out += kNames[known];
    }
  }
  return out;
}

std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size();) {
    const Rune rune = rune_at(text, i);
    std::size_t next = i + rune.length;
    if (is_line_end(rune.value)) {
      lines.push_back(text.substr(begin, i - begin));
      if (rune.value == '\r' && next < text.size() && text[next] == '\n') ++next;
      begin = next;
    }
    i = next;
  }
  if (begin < text.size()) lines.push_back(text.substr(begin));
  return lines;
}

std::optional<std::int64_t> parse_integer(std::string_view text, int base) {
  std::string digits = plain_number(text);
  const bool negative = digits.starts_with('-');
  if (negative) digits.erase(0, 1);
  const std::string prefix = lower(digits.substr(0, 2));
  const int named = prefix == "0x" ? 16 : prefix == "0o" ? 8 : prefix == "0b" ? 2 : 0;
  if (named && (base == named || base == 0)) {
    digits.erase(0, 2);
    base = named;
  }
  if (base == 0) base = 10;
  if (base < 2 || base > 36 || digits.starts_with('-')) return std::nullopt;
  if (negative) digits.insert(0, 1, '-');
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

std::optional<double> parse_float(std::string_view text) {
  const std::string digits = plain_number(text);
  double value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (end != digits.data() + digits.size() || digits.find_first_of("()") != std::string::npos)
    return std::nullopt;
  if (error == std::errc::result_out_of_range) {
    const bool tiny = digits.find("e-") != std::string::npos || digits.find("E-") != std::string::npos;
    return std::copysign(tiny ? 0.0 : std::numeric_limits<double>::infinity(), digits[0] == '-' ? -1.0 : 1.0);
  }
  if (error != std::errc()) return std::nullopt;
  return value;
}

}  // namespace lathe::jinja
