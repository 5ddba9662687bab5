#include "text/unigram.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "text/utf8.h"

namespace lathe {
namespace {

constexpr TokenId kNone = -1;
constexpr TokenId kUnknown = -2;
constexpr double kUnknownPenalty = 10;  // below the worst score

}  // namespace

Unigram::Unigram(const TokenizerData& data) : data_(data) {
  if (data.scores.size() != data.tokens.size())
    throw Error(ErrorCode::invalid_model, std::to_string(data.tokens.size()) + " tokens, but " +
                                              std::to_string(data.scores.size()) + " scores");
  const std::vector<bool> usable = tokens_of_model(data);
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < data.tokens.size(); ++i) {
    if (std::isnan(data.scores[i]))
      throw Error(ErrorCode::invalid_model, "the score of token " + std::to_string(i) + " is not a number");
    if (!usable[i]) continue;
    trie_.insert(data.tokens[i], static_cast<TokenId>(i));
    least = std::min(least, data.scores[i]);
  }
  unknown_score_ = least - kUnknownPenalty;
  byte_tokens_ = find_byte_tokens(data, usable);
}

bool Unigram::may_make(TokenId id, bool control) const {
  return control || !is_special(data_.kinds[static_cast<std::size_t>(id)]);
}

void Unigram::encode(std::string_view text, std::span<const Word> words, bool control,
                     std::vector<TokenId>& ids) const {
  std::vector<Step> path;
  std::vector<std::size_t> ends;
  for (const Word& range : words) {
    const std::string_view word = text.substr(range.begin, range.length);
    find_path(word, control, path);
    ends.clear();
    for (std::size_t at = word.size(); at > 0; at = path[at].begin) ends.push_back(at);
    std::reverse(ends.begin(), ends.end());
    const auto is_unknown = [&](std::size_t end) {
      return path[end].id == kUnknown || path[end].id == data_.pipeline.unknown;
    };
    for (std::size_t i = 0; i < ends.size(); ++i) {
      if (!is_unknown(ends[i])) {
        ids.push_back(path[ends[i]].id);
        continue;
      }
      // What is unknown side by side is one.
      const std::size_t begin = path[ends[i]].begin;
      while (i + 1 < ends.size() && is_unknown(ends[i + 1])) ++i;
      append_unknown(word.substr(begin, ends[i] - begin), control, ids);
    }
  }
}

void Unigram::find_path(std::string_view word, bool control, std::vector<Step>& path) const {
  path.assign(word.size() + 1, {0, 0, kNone});
  for (std::size_t at = 0; at < word.size();) {
    const std::size_t length = rune_at(word, at).length;
    const double here = path[at].score;
    bool covered = false;
    const auto offer = [&](std::size_t end, double score, TokenId id) {
      Step& step = path[end];
      if (step.id == kNone || here + score > step.score) step = {here + score, at, id};
    };
    trie_.visit(word.substr(at), [&](std::size_t bytes, TokenId id) {
      if (!may_make(id, control)) return;
      offer(at + bytes, data_.scores[static_cast<std::size_t>(id)], id);
      covered = covered || bytes == length;
    });
    if (!covered) offer(at + length, unknown_score_, kUnknown);
    at += length;
  }
}

void Unigram::append_unknown(std::string_view text, bool control, std::vector<TokenId>& ids) const {
  TokenId whole = kNone;
  trie_.visit(text, [&](std::size_t bytes, TokenId id) {
    if (bytes == text.size() && may_make(id, control)) whole = id;
  });
  if (whole != kNone) {
    ids.push_back(whole);
  } else if (!data_.pipeline.byte_fallback || !append_bytes(byte_tokens_, text, ids)) {
    ids.push_back(unknown_token(data_, text));
  }
}

}  // namespace lathe
