#include "text/character_map.h"

#include <utf8proc.h>

#include <cstring>

#include "base/error.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace lathe {
namespace {

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::invalid_model, "the character map " + message);
}

std::uint32_t read_u32(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i)
    value |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[at + i])) << (8 * i);
  return value;
}

std::uint32_t label_of(std::uint32_t unit) { return unit & (1u << 31 | 0xFFu); }
std::uint32_t offset_of(std::uint32_t unit) { return unit >> 10 << ((unit & 1u << 9) >> 6); }
bool has_leaf(std::uint32_t unit) { return (unit >> 8 & 1) != 0; }
std::uint32_t value_of(std::uint32_t unit) { return unit & ~(1u << 31); }

/// Characters newer than utf8proc continue a cluster where they are marks.
bool breaks(char32_t before, char32_t rune, utf8proc_int32_t& state) {
  const bool apart = utf8proc_grapheme_break_stateful(static_cast<utf8proc_int32_t>(before),
                                                      static_cast<utf8proc_int32_t>(rune), &state);
  if (!apart || utf8proc_category(static_cast<utf8proc_int32_t>(rune)) != UTF8PROC_CATEGORY_CN) return apart;
  const bool control =
      before == '\r' || before == '\n' || unicode::category_of(before) == unicode::Category::control;
  return control || !unicode::is_mark(unicode::category_of(rune));
}

/// Bytes of the grapheme cluster at `at`.
std::size_t cluster_length(std::string_view text, std::size_t at) {
  utf8proc_int32_t state = 0;
  Rune rune = rune_at(text, at);
  std::size_t end = at + rune.length;
  while (end < text.size()) {
    const Rune next = rune_at(text, end);
    if (breaks(rune.value, next.value, state)) break;
    rune = next;
    end += rune.length;
  }
  return end - at;
}

}  // namespace

CharacterMap::CharacterMap(std::string_view bytes) {
  const std::string size = std::to_string(bytes.size());
  if (bytes.size() < 4) refuse("of " + size + " bytes has no size of its trie");
  const std::uint32_t trie_bytes = read_u32(bytes, 0);
  if (trie_bytes > bytes.size() - 4 || trie_bytes % 4 != 0 || trie_bytes == 0)
    refuse("of " + size + " bytes cannot hold a trie of " + std::to_string(trie_bytes));
  units_.resize(trie_bytes / 4);
  for (std::size_t i = 0; i < units_.size(); ++i) units_[i] = read_u32(bytes, 4 + 4 * i);
  texts_ = bytes.substr(4 + trie_bytes);
  if (!is_utf8(texts_)) refuse("has texts that are not UTF-8");
  check();
}

void CharacterMap::check() const {
  std::vector<bool> seen(units_.size());
  std::vector<std::uint32_t> open = {0};
  seen[0] = true;
  while (!open.empty()) {
    const std::uint32_t at = open.back();
    open.pop_back();
    const std::uint32_t base = at ^ offset_of(units_[at]);
    if (at != 0 && has_leaf(units_[at])) {
      if (base >= units_.size()) refuse("leads outside of its trie");
      const std::uint32_t text = value_of(units_[base]);
      if (text > texts_.size() || (text < texts_.size() && (texts_[text] & 0xC0) == 0x80))
        refuse("names a text at " + std::to_string(text) + " of " + std::to_string(texts_.size()) + " bytes");
    }
    for (std::uint32_t label = 1; label < 256; ++label) {
      const std::uint32_t child = base ^ label;
      if (child >= units_.size() || label_of(units_[child]) != label || seen[child]) continue;
      seen[child] = true;
      open.push_back(child);
    }
  }
}

std::string_view CharacterMap::text_at(std::uint32_t leaf) const {
  const std::size_t begin = value_of(units_[leaf]);
  return std::string_view(texts_).substr(begin, std::strlen(texts_.c_str() + begin));
}

std::optional<std::string_view> CharacterMap::find(std::string_view key) const {
  std::uint32_t at = offset_of(units_[0]);
  for (const char c : key) {
    const auto label = static_cast<unsigned char>(c);
    at ^= label;
    if (label == 0 || at >= units_.size() || label_of(units_[at]) != label) return std::nullopt;
    const std::uint32_t unit = units_[at];
    at ^= offset_of(unit);
    if (has_leaf(unit)) return text_at(at);
  }
  return std::nullopt;
}

std::string CharacterMap::apply(std::string_view text) const {
  constexpr std::size_t kLongestCluster = 5;
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = at + cluster_length(text, at);
    if (end - at <= kLongestCluster) {
      if (const auto found = find(text.substr(at, end - at))) {
        out += *found;
        at = end;
        continue;
      }
    }
    for (; at < end; at += rune_at(text, at).length) {
      const std::string_view character = text.substr(at, rune_at(text, at).length);
      out += find(character).value_or(character);
    }
  }
  return out;
}

}  // namespace lathe
