// The GPT-2 rules by hand: one look at each character, where a backtracking pattern needs stack for long
// runs.
#include <utf8proc.h>

#include "text/pre_tokenizer.h"
#include "text/utf8.h"

namespace lathe {
namespace {

enum class Class { letter, number, space, other, end };

bool is_space(char32_t rune) {  // Unicode's White_Space
  return (rune >= 0x09 && rune <= 0x0D) || rune == 0x20 || rune == 0x85 || rune == 0xA0 || rune == 0x1680 ||
         (rune >= 0x2000 && rune <= 0x200A) || rune == 0x2028 || rune == 0x2029 || rune == 0x202F ||
         rune == 0x205F || rune == 0x3000;
}

Class class_of(char32_t rune) {
  if (is_space(rune)) return Class::space;
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(rune))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
      return Class::letter;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return Class::number;
    default:
      return Class::other;
  }
}

struct Head {
  Class kind = Class::end;
  std::size_t length = 0;
};

Head head_at(std::string_view text, std::size_t at) {
  if (at == text.size()) return {};
  const Rune rune = rune_at(text, at);
  return {class_of(rune.value), rune.length};
}

/// Bytes of 's 't 'm 'd 're 've 'll at `at`, or 0.
std::size_t contraction_length(std::string_view text, std::size_t at) {
  for (const std::string_view word : {"'s", "'t", "'m", "'d", "'re", "'ve", "'ll"}) {
    if (text.substr(at, word.size()) == word) return word.size();
  }
  return 0;
}

std::size_t run_end(std::string_view text, std::size_t at, Class kind) {
  for (Head head = head_at(text, at); head.kind == kind; head = head_at(text, at)) at += head.length;
  return at;
}

/// White space from `at`: all of it at the end of the text, otherwise without its last character, which may
/// begin the next word, unless it is the only one.
std::size_t space_end(std::string_view text, std::size_t at) {
  std::size_t last = at;
  std::size_t end = at;
  for (Head head = head_at(text, end); head.kind == Class::space; head = head_at(text, end)) {
    last = end;
    end += head.length;
  }
  return end == text.size() || last == at ? end : last;
}

std::size_t word_end(std::string_view text, std::size_t at) {
  if (const std::size_t length = contraction_length(text, at)) return at + length;
  const std::size_t begin = text[at] == ' ' ? at + 1 : at;
  const Head head = head_at(text, begin);
  if (head.kind != Class::space && head.kind != Class::end) return run_end(text, begin, head.kind);
  return space_end(text, at);
}

}  // namespace

void pre_tokenize_gpt2(std::string_view text, std::vector<std::size_t>& ends) {
  for (std::size_t at = 0; at < text.size();) {
    at = word_end(text, at);
    ends.push_back(at);
  }
}

void pre_tokenize_gpt2_digits(std::string_view text, std::vector<std::size_t>& ends) {
  const auto cut_between = [&](std::size_t begin, std::size_t end) {
    const std::size_t from = ends.size();
    pre_tokenize_gpt2(text.substr(begin, end - begin), ends);
    for (std::size_t i = from; i < ends.size(); ++i) ends[i] += begin;
  };
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size();) {
    const Head head = head_at(text, at);
    if (head.kind == Class::number) {
      cut_between(begin, at);
      begin = at + head.length;
      ends.push_back(begin);
    }
    at += head.length;
  }
  cut_between(begin, text.size());
}

}  // namespace lathe
