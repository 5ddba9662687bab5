#include "base/error.h"

#include <cstddef>

#include <utf8proc.h>

namespace lathe {
namespace {

constexpr std::size_t kMaxMessage = 2000;

std::string compose(const std::string& message, const ErrorPlace& place) {
  std::string text;
  if (!place.file.empty()) text += printable(place.file) + ": ";
  text += printable(message, kMaxMessage);
  if (!place.field.empty() && message.find(place.field) == std::string::npos)
    text += " (" + printable(place.field) + ")";
  if (place.offset) text += " at byte " + std::to_string(*place.offset);
  return text;
}

void append_escaped(std::string& out, unsigned char byte) {
  constexpr char kHex[] = "0123456789abcdef";
  out += "\\x";
  out += kHex[byte >> 4];
  out += kHex[byte & 15];
}

/// Not control characters, line separators, or marks that turn the direction of the text around them.
bool is_shown(utf8proc_int32_t rune) {
  const auto category = utf8proc_category(rune);
  return category != UTF8PROC_CATEGORY_CC && category != UTF8PROC_CATEGORY_CF &&
         category != UTF8PROC_CATEGORY_ZL && category != UTF8PROC_CATEGORY_ZP;
}

}  // namespace

Error::Error(ErrorCode code, const std::string& message, ErrorPlace place)
    : std::runtime_error(compose(message, place)), code_(code), place_(std::move(place)) {}

std::string printable(std::string_view text, std::size_t limit) {
  std::string out;
  std::size_t i = 0;
  while (i < text.size()) {
    utf8proc_int32_t rune = -1;
    const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data()) + i;
    const auto decoded = utf8proc_iterate(bytes, static_cast<utf8proc_ssize_t>(text.size() - i), &rune);
    const auto length = static_cast<std::size_t>(decoded > 0 ? decoded : 1);
    std::string piece;
    if (decoded > 0 && is_shown(rune))
      piece = text.substr(i, length);
    else
      for (const char byte : text.substr(i, length)) append_escaped(piece, static_cast<unsigned char>(byte));
    if (out.size() + piece.size() > limit) return out + "...";
    out += piece;
    i += length;
  }
  return out;
}

void check_failed(const char* condition, const char* file, int line) {
  throw Error(ErrorCode::internal, std::string("internal error: ") + condition + " does not hold in " + file +
                                       ":" + std::to_string(line));
}

}  // namespace lathe
