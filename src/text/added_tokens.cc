#include "text/added_tokens.h"

#include <algorithm>

#include "base/error.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace lathe {
namespace {

/// Where the last character before `end` begins.
std::size_t character_before(std::string_view text, std::size_t end) {
  do --end;
  while (end > 0 && (text[end] & 0xC0) == 0x80);
  return end;
}

std::size_t before_spaces(std::string_view text, std::size_t end, std::size_t least) {
  while (end > least) {
    const std::size_t begin = character_before(text, end);
    if (begin < least || !unicode::is_white_space(rune_at(text, begin).value)) break;
    end = begin;
  }
  return end;
}

std::size_t behind_spaces(std::string_view text, std::size_t begin) {
  while (begin < text.size()) {
    const Rune rune = rune_at(text, begin);
    if (!unicode::is_white_space(rune.value)) break;
    begin += rune.length;
  }
  return begin;
}

}  // namespace

AddedTokens::AddedTokens(const TokenizerData& data, const Normalizer& normalizer) : data_(data) {
  for (std::size_t i = 0; i < data.pipeline.added.size(); ++i) {
    const AddedToken& token = data.pipeline.added[i];
    const auto id = static_cast<std::size_t>(token.id);
    const std::string text = token.normalized ? normalizer.apply(data.tokens[id]) : data.tokens[id];
    if (text.size() > kLongest)
      throw Error(ErrorCode::unsupported, "added token " + std::to_string(id) + " has " +
                                              std::to_string(text.size()) + " bytes; at most " +
                                              std::to_string(kLongest) + " can be found in text");
    if (text.empty()) continue;
    const bool hidden = is_special(data.kinds[id]);
    for (const bool control : {false, true}) {
      if (hidden && !control) continue;
      Group& group = groups_[token.normalized * 2u + control];
      group.trie.insert(text, static_cast<TokenId>(i));
      group.empty = false;
    }
  }
}

bool AddedTokens::is_whole_word(std::string_view text, std::size_t begin, std::size_t end) const {
  const bool joined_left = begin > 0 && unicode::is_word(rune_at(text, character_before(text, begin)).value);
  return !joined_left && (end == text.size() || !unicode::is_word(rune_at(text, end).value));
}

std::vector<AddedTokens::Part> AddedTokens::split(std::string_view text, bool normalized,
                                                  bool control) const {
  std::vector<Part> parts;
  const Group& tokens = group(normalized, control);
  std::size_t done = 0;
  for (std::size_t at = 0; at < text.size() && !tokens.empty;) {
    std::size_t length = 0;
    TokenId found = -1;
    tokens.trie.visit(text.substr(at), [&](std::size_t bytes, TokenId index) {
      length = bytes;
      found = index;
    });
    if (found < 0) {
      ++at;
      continue;
    }
    const AddedToken& token = data_.pipeline.added[static_cast<std::size_t>(found)];
    std::size_t begin = at;
    std::size_t end = at = at + length;
    if (token.single_word && !is_whole_word(text, begin, end)) continue;
    if (token.strip_left) begin = std::max(before_spaces(text, begin, done), done);
    // Inside of spaces that the token before took, they are not read again.
    if (token.strip_right) end = end < done ? done : behind_spaces(text, end);
    if (done < begin) parts.push_back({done, begin, -1});
    parts.push_back({begin, end, token.id});
    done = end;
  }
  if (done < text.size()) parts.push_back({done, text.size(), -1});
  return parts;
}

std::string_view trim_beside(const TokenizerPipeline& pipeline, std::optional<TokenId> before,
                             std::string_view text, std::optional<TokenId> behind) {
  for (const AddedToken& token : pipeline.added) {
    if (token.id == before && token.strip_right) text.remove_prefix(behind_spaces(text, 0));
    if (token.id == behind && token.strip_left) text = text.substr(0, before_spaces(text, text.size(), 0));
  }
  return text;
}

}  // namespace lathe
