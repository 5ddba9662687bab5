// Finds tokens that are recognized in the text as they stand, before any merging: user-defined ones always,
// control tokens where the caller vouches for the text. Leftmost first, of those the longest.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer_data.h"

namespace lathe {

class SpecialTokens {
 public:
  /// Texts over kLongest bytes are never found: a search costs at most that per byte of text.
  static constexpr std::size_t kLongest = 1024;

  SpecialTokens(const TokenizerData& data, const std::vector<TokenKind>& kinds);

  struct Match {
    std::size_t begin = 0;
    std::size_t length = 0;
    TokenId id = -1;
  };
  /// The first match at or behind `from`.
  std::optional<Match> find(std::string_view text, std::size_t from) const;

 private:
  struct Entry {
    std::string_view text;
    TokenId id;
  };
  std::optional<Match> match_at(std::string_view text, std::size_t begin) const;

  std::vector<Entry> entries_;              // sorted by text, no two alike
  std::array<std::uint32_t, 257> first_{};  // entries that start with byte b: [first_[b], first_[b + 1])
};

}  // namespace lathe
