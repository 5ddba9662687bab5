#include "text/byte_letters.h"

#include "text/utf8.h"

namespace lathe {

ByteLetters::ByteLetters() {
  bytes_.fill(-1);
  char32_t other = 0x100;
  for (unsigned b = 0; b < 256; ++b) {
    const bool printable = (b >= 0x21 && b <= 0x7E) || (b >= 0xA1 && b != 0xAD);
    const char32_t letter = printable ? b : other++;
    append_rune(letters_[b], letter);
    bytes_[letter] = static_cast<std::int16_t>(b);
  }
}

std::optional<unsigned char> ByteLetters::byte(char32_t letter) const {
  if (letter >= bytes_.size() || bytes_[letter] < 0) return std::nullopt;
  return static_cast<unsigned char>(bytes_[letter]);
}

std::string ByteLetters::letters(std::string_view bytes) const {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char byte : bytes) out += letter(static_cast<unsigned char>(byte));
  return out;
}

std::string ByteLetters::bytes(std::string_view letters) const {
  std::string out;
  for (std::size_t i = 0; i < letters.size();) {
    const Rune rune = rune_at(letters, i);
    const auto known = rune.valid ? byte(rune.value) : std::nullopt;
    if (known) {
      out += static_cast<char>(*known);
    } else {
      out.append(letters.substr(i, rune.length));
    }
    i += rune.length;
  }
  return out;
}

}  // namespace lathe
