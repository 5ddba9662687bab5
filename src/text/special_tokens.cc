#include "text/special_tokens.h"

#include <algorithm>

namespace lathe {

SpecialTokens::SpecialTokens(const TokenizerData& data, const std::vector<TokenKind>& kinds) {
  for (std::size_t i = 0; i < data.tokens.size(); ++i) {
    if (std::find(kinds.begin(), kinds.end(), data.kinds[i]) == kinds.end()) continue;
    if (data.tokens[i].empty() || data.tokens[i].size() > kLongest) continue;
    entries_.push_back({data.tokens[i], static_cast<TokenId>(i)});
  }
  std::stable_sort(entries_.begin(), entries_.end(),
                   [](const Entry& a, const Entry& b) { return a.text < b.text; });
  const auto same = [](const Entry& a, const Entry& b) { return a.text == b.text; };
  entries_.erase(std::unique(entries_.begin(), entries_.end(), same), entries_.end());
  for (const Entry& entry : entries_) ++first_[static_cast<unsigned char>(entry.text[0]) + 1u];
  for (std::size_t b = 1; b < first_.size(); ++b) first_[b] += first_[b - 1];
}

std::optional<SpecialTokens::Match> SpecialTokens::match_at(std::string_view text, std::size_t begin) const {
  const auto byte = static_cast<unsigned char>(text[begin]);
  auto low = entries_.begin() + first_[byte];
  auto high = entries_.begin() + first_[byte + 1u];
  std::optional<Match> longest;
  // Narrows the range of entries by one byte of the text at a time.
  for (std::size_t depth = 1; low != high; ++depth) {
    if (low->text.size() == depth) {
      longest = Match{begin, depth, low->id};
      ++low;
    }
    if (begin + depth == text.size()) break;
    const auto next = static_cast<unsigned char>(text[begin + depth]);
    const auto byte_at = [depth](const Entry& entry) {
      return static_cast<unsigned char>(entry.text[depth]);
    };
    low = std::partition_point(low, high, [&](const Entry& entry) { return byte_at(entry) < next; });
    high = std::partition_point(low, high, [&](const Entry& entry) { return byte_at(entry) == next; });
  }
  return longest;
}

std::optional<SpecialTokens::Match> SpecialTokens::find(std::string_view text, std::size_t from) const {
  if (entries_.empty()) return std::nullopt;
  for (std::size_t i = from; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (first_[byte] == first_[byte + 1u]) continue;
    if (const auto match = match_at(text, i)) return match;
  }
  return std::nullopt;
}

}  // namespace lathe
