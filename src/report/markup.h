// Pieces of text that the page is made of.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace lathe::report {

/// Safe between tags and inside double quotes; control characters become spaces.
std::string escaped(std::string_view text);

std::string fixed(double value, int digits);                             // "12.34"
std::string bytes_text(std::uint64_t bytes);                             // "12.3 MB"
std::string seconds_text(double seconds);                                // "12.3 µs"; "–" for none
std::string percent_text(double share);                                  // "12 %"; "–" for none
std::string cell(std::string_view markup, std::string_view style = {});  // a table's, with a class

/// A color's name in the style sheet for what an op does: "product", "attention", "rows" or "other".
std::string_view color_of(std::string_view op);

}  // namespace lathe::report
