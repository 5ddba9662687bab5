#include "graph/text_form.h"

#include <algorithm>

namespace lathe::text_form {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

bool is_name_start(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_'; }

bool is_name_part(char c) { return is_name_start(c) || is_digit(c) || c == '.'; }

std::string quoted_if_needed(std::string_view name, bool digit_first) {
  const bool bare = !name.empty() && (is_name_start(name[0]) || (digit_first && is_digit(name[0]))) &&
                    std::all_of(name.begin(), name.end(), is_name_part);
  return bare ? std::string(name) : quoted(name);
}

std::string quoted(std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string result = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\') {
      result += c;
    } else {
      result += "\\x";
      result += kHex[byte >> 4];
      result += kHex[byte & 15];
    }
  }
  return result + '"';
}

std::string_view default_node_name(std::string_view first_output, std::size_t outputs) {
  if (outputs > 1 && first_output.ends_with(".0")) first_output.remove_suffix(2);
  return first_output;
}

}  // namespace lathe::text_form
