#include "api/control_texts.h"

#include <algorithm>
#include <cstdint>

#include "base/error.h"

namespace lathe {
namespace {

// Plane 16 is for private use: U+100000 to U+10FFFD, in UTF-8 F4 80 80 80 to F4 8F BF BD.
constexpr std::uint32_t kFirstPrivate = 0x100000;
constexpr std::uint32_t kLastPrivate = 0x10FFFD;

std::string utf8_of_private(std::uint32_t rune) {
  return {static_cast<char>(0xF4), static_cast<char>(0x80 | ((rune >> 12) & 0x3F)),
          static_cast<char>(0x80 | ((rune >> 6) & 0x3F)), static_cast<char>(0x80 | (rune & 0x3F))};
}

/// The private-use character at `position`, if there is one.
std::optional<std::uint32_t> private_at(std::string_view text, std::size_t position) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[position + i]); };
  if (position + 4 > text.size() || byte(0) != 0xF4) return std::nullopt;
  const std::uint32_t rune =
      0x100000u | ((byte(1) & 0x3Fu) << 12) | ((byte(2) & 0x3Fu) << 6) | (byte(3) & 0x3Fu);
  if (rune < kFirstPrivate || rune > kLastPrivate) return std::nullopt;
  return rune;
}

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

bool is_control(TokenKind kind) { return kind == TokenKind::control || kind == TokenKind::unknown; }

/// Bytes of the character that starts at `position`: itself and the continuation bytes behind it.
std::size_t character_bytes(std::string_view text, std::size_t position) {
  std::size_t end = position + 1;
  while (end < text.size() && (static_cast<std::uint8_t>(text[end]) & 0xC0) == 0x80) ++end;
  return end - position;
}

/// Where the first character that is no space lies in [begin, end); begin where there is none.
std::size_t first_visible(std::string_view text, std::size_t begin, std::size_t end) {
  for (std::size_t i = begin; i < end; ++i)
    if (!is_space(text[i])) return i;
  return begin;
}

}  // namespace

ControlTexts::ControlTexts(const TokenizerData& data)
    : data_(data), tokens_(data, {TokenKind::control, TokenKind::unknown, TokenKind::user_defined}) {
  for (std::size_t i = 0; i < data.tokens.size(); ++i)
    if (is_control(data.kinds[i]) && data.tokens[i].size() <= SpecialTokens::kLongest)
      texts_.emplace_back(data.tokens[i]);
  std::sort(texts_.begin(), texts_.end());
  for (const auto text : texts_) longest_ = std::max(longest_, text.size());
}

std::optional<ControlTexts::Match> ControlTexts::find(std::string_view text, std::size_t from) const {
  auto match = tokens_.find(text, from);
  while (match && !is_control(data_.kinds[static_cast<std::size_t>(match->id)]))
    match = tokens_.find(text, match->begin + match->length);
  return match;
}

bool ControlTexts::could_become(std::string_view tail) const {
  const auto longer = std::upper_bound(texts_.begin(), texts_.end(), tail);
  return longer != texts_.end() && longer->substr(0, tail.size()) == tail;
}

TextDisguise::TextDisguise(const ControlTexts& controls, std::vector<std::string_view> strings)
    : controls_(controls), taken_(kLastPrivate - kFirstPrivate + 1) {
  for (const auto text : strings)
    for (std::size_t i = 0; i < text.size(); ++i)
      if (const auto rune = private_at(text, i)) taken_[kLastPrivate - *rune] = true;
}

std::string TextDisguise::stand_in(std::string_view character) {
  const auto known = std::find(originals_.begin(), originals_.end(), character);
  if (known != originals_.end()) return stand_ins_[static_cast<std::size_t>(known - originals_.begin())];
  while (next_ < taken_.size() && taken_[next_]) ++next_;
  if (next_ == taken_.size())
    throw Error(ErrorCode::invalid_argument, "the messages use every private-use character of Unicode",
                {{}, {}, "messages"});
  originals_.emplace_back(character);
  stand_ins_.push_back(utf8_of_private(kLastPrivate - static_cast<std::uint32_t>(next_++)));
  return stand_ins_.back();
}

std::vector<bool> TextDisguise::find(std::string_view text) const {
  std::vector<bool> hidden(text.size());
  for (auto match = controls_.find(text, 0); match; match = controls_.find(text, match->begin + 1))
    hidden[first_visible(text, match->begin, match->begin + match->length)] = true;
  // Templates often trim, so the end may also be before the last spaces.
  std::string_view trimmed = text;
  while (!trimmed.empty() && is_space(trimmed.back())) trimmed.remove_suffix(1);
  for (const auto whole : {text, trimmed}) {
    const std::size_t tail = std::min(whole.size(), controls_.longest());
    for (std::size_t i = whole.size() - tail; i < whole.size(); ++i)
      if (controls_.could_become(whole.substr(i))) hidden[first_visible(whole, i, whole.size())] = true;
  }
  return hidden;
}

std::string TextDisguise::replace(std::string_view text, const std::vector<bool>& hidden) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t bytes = hidden[i] ? character_bytes(text, i) : 1;
    if (hidden[i]) {
      out += stand_in(text.substr(i, bytes));
    } else {
      out += text[i];
    }
    i += bytes;
  }
  return out;
}

std::string TextDisguise::hide(std::string_view text) { return replace(text, find(text)); }

std::string TextDisguise::hide_word(std::string_view text) {
  if (text.empty()) return {};
  auto hidden = find(text);
  hidden[first_visible(text, 0, text.size())] = true;
  return replace(text, hidden);
}

std::string TextDisguise::restore(std::string_view text) const {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t found = stand_ins_.size();
    if (private_at(text, i))
      found = static_cast<std::size_t>(std::find(stand_ins_.begin(), stand_ins_.end(), text.substr(i, 4)) -
                                       stand_ins_.begin());
    if (found < stand_ins_.size()) {
      out += originals_[found];
      i += 4;
    } else {
      out += text[i++];
    }
  }
  return out;
}

}  // namespace lathe
