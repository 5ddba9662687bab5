#include "text/regex_translation.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "base/error.h"
#include "text/regex_sets.h"
#include "text/utf8.h"

namespace lathe {
namespace {

constexpr int kMostDepth = 32;  // of classes and groups

/// A class: the members of a bracket expression, which of them remain under &&, and whether all is negated.
struct CharacterClass {
  std::string members;
  std::vector<CharacterClass> others;  // on the right of &&
  bool negated = false;

  std::string text() const {
    if (others.empty()) return (negated ? "[^" : "[") + members + "]";
    std::string out;
    for (const CharacterClass& other : others) out += "(?=" + other.text() + ")";
    out += "[" + members + "]";
    return negated ? "(?s:(?!" + out + ").)" : "(?:" + out + ")";
  }
};

class Translator {
 public:
  explicit Translator(std::string_view pattern) : pattern_(pattern) {}

  std::string run() {
    if (pattern_.starts_with("(?i)")) {
      at_ = 4;
      out_ = "(?i)";
      folded_ = 1;
    }
    while (!done()) piece();
    if (!groups_.empty()) refuse("a group that does not end");
    return out_;
  }

 private:
  struct Group {
    std::size_t begin;  // in out_
    bool folds;
  };

  bool done() const { return at_ >= pattern_.size(); }
  bool at(std::string_view text) const { return pattern_.substr(at_).starts_with(text); }
  bool skip(std::string_view text) {
    if (!at(text)) return false;
    at_ += text.size();
    return true;
  }
  char take() {
    if (done()) refuse("an end in the middle");
    return pattern_[at_++];
  }
  char32_t take_rune() {
    if (done()) refuse("an end in the middle");
    const Rune rune = rune_at(pattern_, at_);
    at_ += rune.length;
    return rune.value;
  }

  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(ErrorCode::unsupported, "the pattern '" + printable(pattern_) + "' has " + what +
                                            ", which is not supported, before byte " + std::to_string(at_));
  }

  /// One atom with what repeats it, or a part of the syntax of groups.
  void piece() {
    const std::size_t begin = out_.size();
    if (skip("|")) {
      out_ += '|';
    } else if (skip("(")) {
      open_group();
    } else if (skip(")")) {
      if (groups_.empty()) refuse("a parenthesis that ends nothing");
      out_ += ')';
      folded_ -= groups_.back().folds;
      const std::size_t group = groups_.back().begin;
      groups_.pop_back();
      repeat(group);
    } else if (skip("^") || skip("$")) {
      out_ += pattern_[at_ - 1];
    } else {
      if (at("*") || at("+") || at("?")) refuse("a repetition of nothing");
      atom();
      repeat(begin);
    }
    if (at_ > 0 && out_.size() > kMostBytes) refuse("more than can be translated");
  }

  void open_group() {
    if (groups_.size() == kMostDepth) refuse("more than " + std::to_string(kMostDepth) + " groups in groups");
    Group group{out_.size(), false};
    if (!skip("?")) {
      out_ += "(?:";  // nothing refers to what it captures
    } else if (skip("i:")) {
      group.folds = true;
      out_ += "(?i:";
    } else if (skip("m:")) {
      out_ += "(?s:";  // Ruby's word for it
    } else {
      const auto known = std::find_if(kGroups.begin(), kGroups.end(), [&](auto text) { return at(text); });
      if (known == kGroups.end()) refuse("a group of an unknown kind");
      out_ += "(?" + std::string(*known);
      at_ += known->size();
    }
    folded_ += group.folds;
    groups_.push_back(group);
  }

  void atom() {
    if (skip("[")) {
      out_ += character_class(0).text();
    } else if (skip(".")) {
      out_ += '.';
    } else if (skip("\\")) {
      escape();
    } else {
      literal(take_rune());
    }
  }

  void literal(char32_t rune) {
    if (folded_ > 0) check_folding(rune);
    out_ += regex_rune(rune);
  }

  /// Oniguruma lets some pairs of letters match one character, such as "ss" U+00DF.
  void check_folding(char32_t rune) {
    if (rune >= 0x80) refuse("a letter outside of ASCII without regard to case");
    const auto small = static_cast<char>(rune >= 'A' && rune <= 'Z' ? rune - 'A' + 'a' : rune);
    const std::string pair = {before_, small};
    const bool adjacent = before_end_ == out_.size();
    if (adjacent && (pair == "ss" || pair == "st" || pair == "ff" || pair == "fi" || pair == "fl"))
      refuse("'" + pair + "' without regard to case");
    before_ = small;
    before_end_ = out_.size() + regex_rune(rune).size();
  }

  void escape() {
    const char c = take();
    switch (c) {
      case 'b':
      case 'B':
        return boundary(c == 'B');
      case 'R':
        out_ += R"((?>\x{d}\x{a}|[\x{a}-\x{d}\x{85}\x{2028}\x{2029}]))";
        return;
      case 'A':
      case 'z':
      case 'Z':
        out_ += {'\\', c};
        return;
      default:
        break;
    }
    --at_;
    if (const auto members = set_escape(false))
      out_ += "[" + *members + "]";
    else
      literal(rune_escape());
  }

  void boundary(bool negated) {
    const std::string word = "[" + regex_shorthand('w', false) + "]";
    const auto side = [&](bool before, bool after) {
      return (before ? "(?<=" : "(?<!") + word + (after ? ")(?=" : ")(?!") + word + ")";
    };
    out_ += "(?:" + side(true, negated) + "|" + side(false, !negated) + ")";
  }

  /// Behind a backslash: members for \s, \p{..} and the like.
  std::optional<std::string> set_escape(bool in_class) {
    constexpr std::string_view kShorthands = "sSwWdD";
    const char c = done() ? '\0' : pattern_[at_];
    if (kShorthands.find(c) != std::string_view::npos && c != '\0') {
      ++at_;
      return regex_shorthand(c, in_class);
    }
    if (c != 'p' && c != 'P') return std::nullopt;
    ++at_;
    const std::size_t end = pattern_.find('}', at_);
    if (!skip("{") || end == std::string_view::npos) refuse("a property without braces");
    const std::string_view name = pattern_.substr(at_, end - at_);
    const auto members = regex_property(name, c == 'P');
    if (!members) refuse("the property '" + printable(name, 64) + "'");
    at_ = end + 1;
    return members;
  }

  /// Behind a backslash: one character.
  char32_t rune_escape() {
    constexpr std::array<std::pair<char, char32_t>, 7> kControls = {
        {{'n', 0x0A}, {'r', 0x0D}, {'t', 0x09}, {'f', 0x0C}, {'v', 0x0B}, {'a', 0x07}, {'e', 0x1B}}};
    const char c = pattern_[at_];
    for (const auto& [letter, rune] : kControls)
      if (c == letter) return static_cast<void>(++at_), rune;
    if (skip("x{")) {
      const char32_t rune = hexadecimal(1, 6);
      if (!skip("}")) refuse("a number without an end");
      return rune;
    }
    if (skip("x")) {
      const char32_t rune = hexadecimal(1, 2);
      if (rune >= 0x80) refuse("a byte that is no character");
      return rune;
    }
    if (skip("u")) return hexadecimal(4, 4);
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
      refuse(std::string("the escape \\") + c);
    return take_rune();
  }

  char32_t hexadecimal(std::size_t least, std::size_t most) {
    constexpr std::string_view kDigits = "0123456789abcdefABCDEF";
    char32_t rune = 0;
    std::size_t count = 0;
    for (; count < most && !done(); ++count) {
      const std::size_t digit = kDigits.find(pattern_[at_]);
      if (digit == std::string_view::npos) break;
      rune = rune * 16 + static_cast<char32_t>(digit < 16 ? digit : digit - 6);
      ++at_;
    }
    if (count < least || rune > 0x10FFFF || (rune >= 0xD800 && rune <= 0xDFFF))
      refuse("a number that is no character");
    return rune;
  }

  /// Behind the opening bracket.
  CharacterClass character_class(int depth) {
    if (depth == kMostDepth) refuse("too many classes in classes");
    CharacterClass out;
    out.negated = skip("^");
    CharacterClass* current = &out;
    bool first = true;
    bool nested_alone = false;  // a right side of && that is one class
    for (; first || !at("]"); first = false) {
      if (done()) refuse("a class that does not end");
      if (skip("&&")) {
        out.others.emplace_back();
        current = &out.others.back();
        nested_alone = false;
        continue;
      }
      if (nested_alone) refuse("a negated class among others");
      if (!skip("[")) {
        member(current->members);
        continue;
      }
      if (skip(":")) {
        posix(current->members);
        continue;
      }
      CharacterClass inner = character_class(depth + 1);
      if (!inner.negated && inner.others.empty()) {
        current->members += inner.members;
      } else {
        if (current == &out || !current->members.empty()) refuse("a negated class among others");
        *current = std::move(inner);
        nested_alone = true;
      }
    }
    skip("]");
    if (out.members.empty()) refuse("an empty class");
    for (const CharacterClass& other : out.others)
      if (other.members.empty()) refuse("an empty class");
    return out;
  }

  void posix(std::string& members) {
    const std::size_t end = pattern_.find(":]", at_);
    const std::string_view name = pattern_.substr(at_, end == std::string_view::npos ? 0 : end - at_);
    const auto found = regex_posix(name);
    if (!found) refuse("the class [:" + printable(name, 64) + ":]");
    members += *found;
    at_ = end + 2;
  }

  /// A character, a range or an escape.
  void member(std::string& members) {
    if (skip("\\")) {
      if (const auto set = set_escape(true)) {
        if (at("-") && !at("-]")) refuse("a range that begins with a class");
        members += *set;
        return;
      }
      range(rune_escape(), members);
    } else {
      range(take_rune(), members);
    }
  }

  void range(char32_t first, std::string& members) {
    char32_t last = first;
    if (at("-") && !at("-]") && !at("-&&")) {
      skip("-");
      if (at("[")) refuse("a range that ends with a class");
      if (skip("\\")) {
        if (set_escape(true)) refuse("a range that ends with a class");
        last = rune_escape();
      } else {
        last = take_rune();
      }
      if (last < first) refuse("a range that goes backwards");
    }
    if (folded_ > 0 && last >= 0x80) refuse("a letter outside of ASCII without regard to case");
    members += regex_rune(first);
    if (last != first) members += "-" + regex_rune(last);
  }

  /// What repeats out_ from `begin`.
  void repeat(std::size_t begin) {
    bool repeated = false;
    while (!done()) {
      std::string times;
      if (at("*") || at("+") || at("?")) {
        times = take();
        if (at("?") || at("+")) times += take();
      } else if (auto found = interval()) {
        times = std::move(*found);
      } else {
        return;
      }
      if (repeated) {
        out_.insert(begin, "(?:");
        out_ += ')';
      }
      out_ += times;
      repeated = true;
    }
  }

  /// {n}, {n,}, {n,m}, {,m}; anything else in braces is text.
  std::optional<std::string> interval() {
    if (!at("{")) return std::nullopt;
    std::size_t position = at_ + 1;
    const auto number = [&]() -> std::optional<int> {
      const std::size_t begin = position;
      int value = 0;
      while (position < pattern_.size() && pattern_[position] >= '0' && pattern_[position] <= '9') {
        value = std::min(value * 10 + (pattern_[position] - '0'), 100'000);
        ++position;
      }
      return position == begin ? std::nullopt : std::optional(value);
    };
    const auto least = number();
    const bool comma = position < pattern_.size() && pattern_[position] == ',';
    if (comma) ++position;
    const auto most = comma ? number() : least;
    if (position >= pattern_.size() || pattern_[position] != '}' || (!least && !most)) return std::nullopt;
    at_ = position + 1;
    if (least.value_or(0) > kMostTimes || most.value_or(0) > kMostTimes) refuse("a very long repetition");
    if (least && most && *least > *most) refuse("a repetition from more to less");
    std::string out = "{" + std::to_string(least.value_or(0));
    if (comma) out += "," + (most ? std::to_string(*most) : std::string());
    out += '}';
    if (at("?")) {
      if (!comma) refuse("a lazy repetition of one count");
      out += take();
    }
    return out;
  }

  static constexpr std::array<std::string_view, 6> kGroups = {":", "=", "!", "<=", "<!", ">"};
  static constexpr int kMostTimes = 1000;
  static constexpr std::size_t kMostBytes = 4u << 20;

  std::string_view pattern_;
  std::size_t at_ = 0;
  std::string out_;
  std::vector<Group> groups_;
  int folded_ = 0;  // groups around without regard to case
  char before_ = '\0';
  std::size_t before_end_ = 0;  // where the last character of such a group ends in out_
};

}  // namespace

std::string translate_regex(std::string_view pattern) { return Translator(pattern).run(); }

}  // namespace lathe
