#include "base/error.h"

#include <cstddef>

#include <utf8proc.h>

namespace lathe {
namespace {

std::string compose(const std::string& message, const ErrorPlace& place) {
  std::string text;
  if (!place.file.empty()) text += printable(place.file) + ": ";
  text += message;
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

}  // namespace

Error::Error(ErrorCode code, const std::string& message, ErrorPlace place)
    : std::runtime_error(compose(message, place)), code_(code), place_(std::move(place)) {}

std::string printable(std::string_view text, std::size_t limit) {
  std::string out;
  std::size_t i = 0;
  while (i < text.size()) {
    if (out.size() >= limit) return out + "...";
    utf8proc_int32_t rune = -1;
    const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data()) + i;
    const auto length = utf8proc_iterate(bytes, static_cast<utf8proc_ssize_t>(text.size() - i), &rune);
    if (length <= 0 || rune < 0x20 || (rune >= 0x7f && rune < 0xa0)) {
      append_escaped(out, static_cast<unsigned char>(text[i]));
      ++i;
    } else {
      out.append(text.substr(i, static_cast<std::size_t>(length)));
      i += static_cast<std::size_t>(length);
    }
  }
  return out;
}

void check_failed(const char* condition, const char* file, int line) {
  throw Error(ErrorCode::internal, std::string("internal error: ") + condition + " does not hold in " + file +
                                       ":" + std::to_string(line));
}

}  // namespace lathe
