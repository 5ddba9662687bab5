// Template source to tokens, with Jinja's control of white space: trim_blocks and lstrip_blocks on, "-" and
// "+".
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lathe::jinja {

enum class TokenType {
  data,
  variable_begin,
  variable_end,
  block_begin,
  block_end,
  name,
  text,
  integer,
  decimal,
  sign,
  end
};

struct Token {
  TokenType type = TokenType::end;
  std::string value;  // text: with its escapes resolved
  int line = 1;
};

/// Throws Error(template_failed) with the line. The last token is `end`.
std::vector<Token> tokenize_template(std::string_view source);

[[noreturn]] void fail_syntax(int line, const std::string& message);

}  // namespace lathe::jinja
