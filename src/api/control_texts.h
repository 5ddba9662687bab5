// The texts of a vocabulary's control tokens, and how text that users wrote is kept from becoming one of
// them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/special_tokens.h"
#include "text/tokenizer.h"

namespace lathe {

class ControlTexts {
 public:
  /// `data` must outlive this.
  explicit ControlTexts(const TokenizerData& data);

  using Match = SpecialTokens::Match;
  /// The first control token at or behind `from`, as tokenizers find them.
  std::optional<Match> find(std::string_view text, std::size_t from) const;

  /// True where `tail` is the beginning of a control text, but not all of it.
  bool could_become(std::string_view tail) const;

  std::size_t longest() const { return longest_; }

 private:
  const TokenizerData& data_;
  SpecialTokens tokens_;
  std::vector<std::string_view> texts_;  // of control tokens alone, sorted
  std::size_t longest_ = 0;              // bytes
};

/// Stands private-use characters in for some characters of user text, so that no control text is left in it:
/// one character of each control text, and of each beginning of one at the end, where the template's words or
/// another message could complete it. Length, spaces at the ends and everything else stay as they are, so
/// that a template treats the text as before; restore() is the exact inverse.
class TextDisguise {
 public:
  /// `strings`: everything whose characters must not be confused with the stand-ins (user strings, the
  /// template). Throws Error(invalid_argument) where no character is left to stand in.
  TextDisguise(const ControlTexts& controls, std::vector<std::string_view> strings);

  std::string hide(std::string_view text);
  /// Also hides the first character: for words between which the template writes the rest of a control token.
  std::string hide_word(std::string_view text);
  std::string restore(std::string_view text) const;
  bool used() const { return !originals_.empty(); }

 private:
  std::string stand_in(std::string_view character);
  std::string replace(std::string_view text, const std::vector<bool>& hidden);
  std::vector<bool> find(std::string_view text) const;

  const ControlTexts& controls_;
  std::vector<bool> taken_;             // of the private-use characters, by their distance from the last one
  std::vector<std::string> originals_;  // by stand-in, in order of first use
  std::vector<std::string> stand_ins_;
  std::size_t next_ = 0;
};

}  // namespace lathe
