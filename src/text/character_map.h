// SentencePiece's compiled normalizer ("precompiled charsmap"): what texts become, by a trie.
//   u32 bytes of the trie | trie: u32 units of a double array | texts, each with a NUL behind it
// A unit, from bit 0: label (8), has a leaf (1), offset is in steps of 256 (1), offset (22 and the sign bit
// of labels); a leaf's is the position of its text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lathe {

class CharacterMap {
 public:
  /// Throws Error(invalid_model) for sizes that do not fit, and for a trie that leads outside of itself or of
  /// the texts.
  explicit CharacterMap(std::string_view bytes);

  /// Replaces grapheme clusters of under 6 bytes and characters, as the `tokenizers` package does: by the
  /// shortest entry that a cluster begins with.
  std::string apply(std::string_view text) const;

 private:
  void check() const;
  std::optional<std::string_view> find(std::string_view key) const;
  std::string_view text_at(std::uint32_t leaf) const;

  std::vector<std::uint32_t> units_;
  std::string texts_;
};

}  // namespace lathe
