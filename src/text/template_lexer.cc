#include "text/template_lexer.h"

#include <array>
#include <optional>

#include "base/error.h"
#include "text/template_text.h"
#include "text/utf8.h"

namespace lathe::jinja {
namespace {

/// CRLF and CR become LF; one line end at the end of the template is dropped.
std::string normalize_lines(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r') {
      out += source[i];
    } else {
      out += '\n';
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
    }
  }
  if (out.ends_with('\n')) out.pop_back();
  return out;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

std::optional<char32_t> hex_value(std::string_view digits) {
  char32_t value = 0;
  for (const char c : digits) {
    const bool letter = (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (!is_digit(c) && !letter) return std::nullopt;
    value = value << 4 | static_cast<char32_t>(is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
  }
  return value;
}

class Lexer {
 public:
  explicit Lexer(std::string_view source) : text_(normalize_lines(source)) {}

  std::vector<Token> run() {
    while (at_ < text_.size()) read_data();
    add(TokenType::end, "");
    return std::move(tokens_);
  }

 private:
  bool sees(std::string_view what, std::size_t at) const {
    return std::string_view(text_).substr(at, what.size()) == what;
  }
  void add(TokenType type, std::string value) { tokens_.push_back({type, std::move(value), line_}); }
  void advance(std::size_t to) {
    for (; at_ < to; ++at_) line_ += text_[at_] == '\n';
    line_starting_ = at_ > 0 && text_[at_ - 1] == '\n';
  }
  std::size_t skip_space(std::size_t at) const {
    while (at < text_.size()) {
      const Rune rune = rune_at(text_, at);
      if (!is_space(rune.value)) break;
      at += rune.length;
    }
    return at;
  }
  char sign_at(std::size_t at) const {
    return at < text_.size() && (text_[at] == '-' || text_[at] == '+') ? text_[at] : 0;
  }

  /// Text up to the next tag, then what the tag opens.
  void read_data() {
    std::size_t open = text_.find('{', at_);
    while (open != std::string::npos && !sees("{%", open) && !sees("{{", open) && !sees("{#", open))
      open = text_.find('{', open + 1);
    const std::size_t end = open == std::string::npos ? text_.size() : open;
    const char kind = open == std::string::npos ? 0 : text_[open + 1];
    const char sign = open == std::string::npos ? 0 : sign_at(open + 2);
    add_data(end, kind, sign);
    if (!kind) return;
    const std::size_t inside = open + 2 + (sign ? 1 : 0);
    if (kind == '#') return read_comment(inside);
    if (kind == '%' && read_raw(inside)) return;
    add(kind == '%' ? TokenType::block_begin : TokenType::variable_begin, "");
    advance(inside);
    read_tag(kind == '%' ? "%}" : "}}", kind == '%');
  }

  /// The text before a tag, cut as the tag's sign or lstrip_blocks asks.
  void add_data(std::size_t end, char kind, char sign) {
    std::string_view data = std::string_view(text_).substr(at_, end - at_);
    if (kind && sign == '-') {
      data = strip(data, false, true, is_space);
    } else if ((kind == '%' || kind == '#') && sign != '+') {
      const std::size_t line = data.rfind('\n') + 1;  // npos + 1 is 0
      const std::string_view indent = data.substr(line);
      if ((line > 0 || line_starting_) && strip(indent, true, false, is_space).empty())
        data = data.substr(0, line);
    }
    if (!data.empty()) add(TokenType::data, std::string(data));
    advance(end);
  }

  /// Behind an end tag at `at` of `length` bytes: "-" takes all white space, and a block's first newline
  /// goes.
  std::size_t behind(std::size_t at, std::size_t length, char sign, bool trims) const {
    at += length;
    if (sign == '-') return skip_space(at);
    return trims && sign != '+' && sees("\n", at) ? at + 1 : at;
  }

  void read_comment(std::size_t from) {
    const std::size_t end = text_.find("#}", from);
    if (end == std::string::npos) fail_syntax(line_, "comment without end");
    advance(behind(end, 2, end > from ? sign_at(end - 1) : char{0}, true));
  }

  /// {% raw %}...{% endraw %}; false if the block at `from` is another.
  bool read_raw(std::size_t from) {
    std::size_t at = skip_space(from);
    if (!sees("raw", at)) return false;
    at = skip_space(at + 3);
    const bool strips = sees("-%}", at);
    if (!strips && !sees("%}", at)) return false;
    advance(strips ? skip_space(at + 3) : at + 2);
    for (std::size_t open = text_.find("{%", at_); open != std::string::npos;
         open = text_.find("{%", open + 1)) {
      const char sign = sign_at(open + 2);
      std::size_t end = skip_space(open + 2 + (sign ? 1 : 0));
      if (!sees("endraw", end)) continue;
      end = skip_space(end + 6);
      const char end_sign = sign_at(end);
      if (!sees("%}", end + (end_sign ? 1 : 0))) continue;
      add_data(open, '%', sign);
      advance(behind(end + (end_sign ? 1 : 0), 2, end_sign, true));
      return true;
    }
    fail_syntax(line_, "raw block without end");
  }

  void read_tag(std::string_view end, bool block) {
    std::string open;  // brackets still open; the end of the tag counts only outside them
    while (true) {
      advance(skip_space(at_));
      if (at_ == text_.size()) fail_syntax(line_, "tag without end");
      const char sign = sign_at(at_);
      const bool signed_end = (sign == '-' || (sign == '+' && block)) && sees(end, at_ + 1);
      if (open.empty() && (sees(end, at_) || signed_end)) {
        add(block ? TokenType::block_end : TokenType::variable_end, "");
        advance(behind(at_ + (signed_end ? 1 : 0), 2, signed_end ? sign : char{0}, block));
        return;
      }
      read_token(open);
    }
  }

  void read_token(std::string& open) {
    const char c = text_[at_];
    if (is_name_start(c)) {
      std::size_t end = at_;
      while (end < text_.size() && (is_name_start(text_[end]) || is_digit(text_[end]))) ++end;
      take(TokenType::name, end);
    } else if (is_digit(c)) {
      read_number();
    } else if (c == '\'' || c == '"') {
      read_string(c);
    } else {
      read_sign(open);
    }
  }

  void take(TokenType type, std::size_t end) {
    add(type, text_.substr(at_, end - at_));
    advance(end);
  }

  std::size_t digits_end(std::size_t at) const {
    while (at < text_.size() &&
           (is_digit(text_[at]) || (text_[at] == '_' && at + 1 < text_.size() && is_digit(text_[at + 1]))))
      ++at;
    return at;
  }

  void read_number() {
    std::size_t end = at_ + 1;
    const char second = end < text_.size() ? static_cast<char>(text_[end] | 0x20) : char{0};
    if (text_[at_] == '0' && (second == 'x' || second == 'o' || second == 'b')) {
      for (++end; end < text_.size() && (hex_value(text_.substr(end, 1)) || text_[end] == '_');) ++end;
      return take(TokenType::integer, end);
    }
    end = digits_end(at_);
    TokenType type = TokenType::integer;
    const bool after_dot = at_ > 0 && text_[at_ - 1] == '.';  // x.1.2 is two lookups
    const auto digit_at = [&](std::size_t at) { return at < text_.size() && is_digit(text_[at]); };
    if (!after_dot && sees(".", end) && digit_at(end + 1)) {
      end = digits_end(end + 1);
      type = TokenType::decimal;
    }
    if (!after_dot && (sees("e", end) || sees("E", end)) && digit_at(end + 1 + (sign_at(end + 1) ? 1 : 0))) {
      end = digits_end(end + 1 + (sign_at(end + 1) ? 1 : 0));
      type = TokenType::decimal;
    }
    if (type == TokenType::integer && text_[at_] == '0' && text_.find_first_not_of("0_", at_) < end)
      fail_syntax(line_, "a number starts with 0");
    take(type, end);
  }

  void read_string(char quote) {
    std::string value;
    std::size_t i = at_ + 1;
    while (i < text_.size() && text_[i] != quote) {
      if (text_[i] == '\\') {
        i = read_escape(i + 1, value);
      } else {
        value += text_[i++];
      }
    }
    if (i >= text_.size()) fail_syntax(line_, "text without closing quote");
    add(TokenType::text, std::move(value));
    advance(i + 1);
  }

  /// Python's escapes; `at` is behind the backslash. Unknown ones stand for themselves.
  std::size_t read_escape(std::size_t at, std::string& value) const {
    if (at == text_.size()) return at;
    constexpr std::string_view kLetters = "ntrabfv\\'\"";
    constexpr std::string_view kMeanings = "\n\t\r\a\b\f\v\\'\"";
    const char c = text_[at];
    if (const std::size_t known = kLetters.find(c); known != std::string_view::npos) {
      value += kMeanings[known];
      return at + 1;
    }
    if (c == '\n') return at + 1;
    if (c >= '0' && c <= '7') {
      char32_t rune = 0;
      std::size_t end = at;
      while (end < text_.size() && end < at + 3 && text_[end] >= '0' && text_[end] <= '7')
        rune = rune * 8 + static_cast<char32_t>(text_[end++] - '0');
      append_rune(value, rune);
      return end;
    }
    const std::size_t length = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (length == 0) {
      value += '\\';
      return at;
    }
    const std::string digits = text_.substr(at + 1, length);
    const auto rune = hex_value(digits);
    if (digits.size() < length || !rune || *rune > 0x10FFFF || (*rune >= 0xD800 && *rune < 0xE000))
      fail_syntax(line_, "escape that is no character");
    append_rune(value, *rune);
    return at + 1 + length;
  }

  void read_sign(std::string& open) {
    constexpr std::array<std::string_view, 6> kDouble = {"//", "**", "==", "!=", "<=", ">="};
    for (const std::string_view sign : kDouble) {
      if (sees(sign, at_)) return take(TokenType::sign, at_ + 2);
    }
    const char c = text_[at_];
    if (std::string_view("+-/*%~<>=.:|,()[]{};").find(c) == std::string_view::npos)
      fail_syntax(line_, std::string("unexpected character '") + c + "'");
    if (c == '(' || c == '[' || c == '{') {
      open += c == '(' ? ')' : c == '[' ? ']' : '}';
    } else if (c == ')' || c == ']' || c == '}') {
      if (open.empty() || open.back() != c) fail_syntax(line_, std::string("unexpected '") + c + "'");
      open.pop_back();
    }
    take(TokenType::sign, at_ + 1);
  }

  std::string text_;
  std::size_t at_ = 0;
  int line_ = 1;
  bool line_starting_ = true;
  std::vector<Token> tokens_;
};

}  // namespace

void fail_syntax(int line, const std::string& message) {
  throw Error(ErrorCode::template_failed,
              "chat template, line " + std::to_string(line) + ": " + printable(message));
}

std::vector<Token> tokenize_template(std::string_view source) { return Lexer(source).run(); }

}  // namespace lathe::jinja
