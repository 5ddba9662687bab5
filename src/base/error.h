// Errors inside the library: the public Error, text made safe to print, and CHECK for bugs of our own.
#pragma once

#include <string>
#include <string_view>

#include "lathe/error.h"

namespace lathe {

/// `text` with control, format and line-separating characters and broken UTF-8 escaped as \xNN, cut to
/// `limit` bytes with "..." behind.
std::string printable(std::string_view text, std::size_t limit = 200);

/// Throws Error(internal) naming the place; for conditions that no file, flag or request can reach.
[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace lathe

#define CHECK(condition)                                     \
  do {                                                       \
    if (!(condition)) [[unlikely]]                           \
      ::lathe::check_failed(#condition, __FILE__, __LINE__); \
  } while (false)
