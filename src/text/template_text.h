// Python's view of text: characters, white space, case.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lathe::jinja {

bool is_space(char32_t rune);      // str.isspace
bool is_printable(char32_t rune);  // str.isprintable
bool is_letter(char32_t rune);     // str.isalpha
bool is_numeral(char32_t rune);    // str.isnumeric
bool is_word(char32_t rune);       // \w of a pattern

std::vector<char32_t> runes_of(std::string_view text);
std::string text_of(const std::vector<char32_t>& runes, std::size_t begin, std::size_t end);
/// Characters in `text`.
std::int64_t length_of(std::string_view text);

/// Cuts characters of which `drop` holds from the chosen ends.
std::string_view strip(std::string_view text, bool left, bool right,
                       const std::function<bool(char32_t)>& drop);

std::string upper(std::string_view text);
std::string lower(std::string_view text);
std::string title(std::string_view text);       // str.title
std::string capitalize(std::string_view text);  // str.capitalize

std::string replace(std::string_view text, std::string_view old, std::string_view with, std::int64_t count,
                    std::size_t limit);
std::string escape_html(std::string_view text);
std::vector<std::string_view> split_lines(std::string_view text);

/// Numbers as int() and float() read them.
std::optional<std::int64_t> parse_integer(std::string_view text, int base = 10);
std::optional<double> parse_float(std::string_view text);

}  // namespace lathe::jinja
