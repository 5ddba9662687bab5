// GPT-2's alphabet: every byte has a printable letter. Bytes that are printable in Latin-1 stand for
// themselves, the other 68 for U+0100, U+0101, ... in ascending order.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace lathe {

class ByteLetters {
 public:
  ByteLetters();

  const std::string& letter(unsigned char byte) const { return letters_[byte]; }
  std::optional<unsigned char> byte(char32_t letter) const;

  /// The letter of every byte.
  std::string letters(std::string_view bytes) const;
  /// Letters back to bytes; a character that is no letter stays as it is.
  std::string bytes(std::string_view letters) const;

 private:
  std::array<std::string, 256> letters_;
  std::array<std::int16_t, 324> bytes_;  // by letter; -1: none
};

}  // namespace lathe
