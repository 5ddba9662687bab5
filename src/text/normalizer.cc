#include "text/normalizer.h"

#include <limits>
#include <memory>

#include "base/error.h"
#include "text/byte_letters.h"
#include "text/character_map.h"
#include "text/pattern.h"
#include "text/unicode.h"
#include "text/unicode_forms.h"
#include "text/utf8.h"

namespace lathe {
namespace {

using Step = Normalizer::Step;

bool always(std::string_view) { return true; }

/// A step that looks at each character for itself.
template <class Apply>
Step of_characters(const Apply& apply) {
  return {apply, [apply](std::string_view text) {
            return !text.empty() && !apply(text.substr(0, rune_at(text, 0).length)).empty();
          }};
}

bool keeps_first_match(const Pattern& pattern, std::string_view content, std::string_view text) {
  std::vector<TextRange> pieces;
  pattern.find(text, pieces);
  if (pieces.empty() || !pieces.front().match) return true;
  return !content.empty() && pieces.front().end <= rune_at(text, 0).length;
}

/// Calls write(out, rune) for every character.
template <class Write>
std::string rewrite(std::string_view text, const Write& write) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const Rune rune = rune_at(text, i);
    write(out, rune.value);
    i += rune.length;
  }
  return out;
}

template <class Drops>
std::string drop(std::string_view text, const Drops& drops) {
  return rewrite(text, [&](std::string& out, char32_t rune) {
    if (!drops(rune)) append_rune(out, rune);
  });
}

std::string lowercase(std::string_view text) { return rewrite(text, unicode::append_lowercase); }

std::string strip(std::string_view text, const normalize::Strip& step) {
  std::size_t begin = 0;
  for (; step.left && begin < text.size();) {
    const Rune rune = rune_at(text, begin);
    if (!unicode::is_white_space(rune.value)) break;
    begin += rune.length;
  }
  std::size_t end = begin;  // of what is kept
  for (std::size_t i = begin; i < text.size();) {
    const Rune rune = rune_at(text, i);
    i += rune.length;
    if (!step.right || !unicode::is_white_space(rune.value)) end = i;
  }
  return std::string(text.substr(begin, end - begin));
}

std::string bert(std::string_view input, const normalize::Bert& step) {
  std::string text(input);
  if (step.clean_text) {
    text = rewrite(text, [](std::string& out, char32_t rune) {
      if (unicode::is_bert_removed(rune)) return;
      if (unicode::is_white_space(rune)) {
        out += ' ';
      } else {
        append_rune(out, rune);
      }
    });
  }
  if (step.split_chinese) {
    text = rewrite(text, [](std::string& out, char32_t rune) {
      const bool apart = unicode::is_chinese(rune);
      if (apart) out += ' ';
      append_rune(out, rune);
      if (apart) out += ' ';
    });
  }
  if (step.strip_accents) text = drop(unicode::to_form(text, normalize::Form::nfd), unicode::is_bert_accent);
  if (step.lowercase) text = lowercase(text);
  return text;
}

/// SentencePiece's rules for translation models.
std::string nmt(std::string_view text) {
  return rewrite(text, [](std::string& out, char32_t rune) {
    const bool dropped = (rune >= 0x01 && rune <= 0x08) || rune == 0x0B || (rune >= 0x0E && rune <= 0x1F) ||
                         rune == 0x7F || rune == 0x8F || rune == 0x9F;
    if (dropped) return;
    const bool space = rune == 0x09 || rune == 0x0A || rune == 0x0C || rune == 0x0D || rune == 0x1680 ||
                       (rune >= 0x200B && rune <= 0x200F) || rune == 0x2028 || rune == 0x2029 ||
                       rune == 0x2581 || rune == 0xFEFF || rune == kReplacement;
    append_rune(out, space ? U' ' : rune);
  });
}

struct MakeStep {
  Step operator()(const normalize::Unicode& step) const {
    return {[form = step.form](std::string_view text) { return unicode::to_form(text, form); }, always};
  }
  Step operator()(const normalize::Lowercase&) const { return of_characters(lowercase); }
  Step operator()(const normalize::StripAccents&) const {
    return of_characters([](std::string_view text) { return drop(text, unicode::is_accent); });
  }
  Step operator()(const normalize::Strip& step) const {
    return {[step](std::string_view text) { return strip(text, step); },
            [step](std::string_view text) {
              return !step.left || text.empty() || !unicode::is_white_space(rune_at(text, 0).value);
            }};
  }
  Step operator()(const normalize::Replace& step) const {
    const auto pattern = std::make_shared<const Pattern>(step.pattern);
    return {
        [pattern, content = step.content](std::string_view text) { return pattern->replace(text, content); },
        [pattern, content = step.content](std::string_view text) {
          return keeps_first_match(*pattern, content, text);
        }};
  }
  Step operator()(const normalize::Prepend& step) const {
    return {[prefix = step.text](std::string_view text) {
              return text.empty() ? std::string() : prefix + std::string(text);
            },
            always};
  }
  Step operator()(const normalize::Bert& step) const {
    return of_characters([step](std::string_view text) { return bert(text, step); });
  }
  Step operator()(const normalize::CharacterMap& step) const {
    const auto map = std::make_shared<const CharacterMap>(step.bytes);
    return {[map](std::string_view text) { return map->apply(text); }, always};
  }
  Step operator()(const normalize::Nmt&) const { return of_characters(nmt); }
  Step operator()(const normalize::ByteLevel&) const {
    return {[letters = ByteLetters()](std::string_view text) { return letters.letters(text); }, always};
  }
};

}  // namespace

Normalizer::Normalizer(const std::vector<normalize::Step>& steps) {
  for (const normalize::Step& step : steps) steps_.push_back(std::visit(MakeStep(), step));
}

std::string Normalizer::apply(std::string_view text) const {
  std::string out(text);
  for (const Step& step : steps_) {
    out = step.apply(out);
    if (out.size() > std::numeric_limits<std::int32_t>::max())
      throw Error(ErrorCode::resource_limit, "the normalized text is over 2^31 - 1 bytes");
  }
  return out;
}

bool Normalizer::keeps_first(std::string_view text) const {
  std::string at(text);
  for (const Step& step : steps_) {
    if (!step.keeps_first(at)) return false;
    at = step.apply(at);
  }
  return true;
}

}  // namespace lathe
