// Whole numbers among the words. The parser alone would read 010 as octal and 2^64 as 2^64 - 1.
#pragma once

#include <CLI/CLI.hpp>
#include <charconv>
#include <limits>
#include <string>
#include <utility>

#include "lathe/inspection.h"

namespace lathe::apps {

/// For CLI::Option::transform: lets decimal numbers from 0 to the most that `T` holds pass.
template <typename T>
CLI::Validator whole_number() {
  const auto check = [](std::string& text) -> std::string {
    T value = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc() || rest != end || std::cmp_less(value, 0))
      return json_string(text) + " is no whole number from 0 to " +
             std::to_string(std::numeric_limits<T>::max());
    text = std::to_string(value);
    return {};
  };
  return CLI::Validator(check, "");
}

}  // namespace lathe::apps
