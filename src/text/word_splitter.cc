#include "text/word_splitter.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <utility>

#include "base/error.h"
#include "text/byte_letters.h"
#include "text/pattern.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace lathe {
namespace {

using split::Behavior;
using Step = std::function<void(Words&)>;
using Pieces = std::vector<TextRange>;

constexpr const char* kGpt2 = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

struct Range {
  std::size_t begin, end;
};

/// What of `pieces` becomes words, by what shall happen to the matches.
void choose(const Pieces& pieces, Behavior behavior, std::vector<Range>& ranges) {
  ranges.clear();
  const bool backwards = behavior == Behavior::merged_with_next;
  bool matched_before = false;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const std::size_t at = backwards ? pieces.size() - 1 - i : i;
    const Range range{at == 0 ? 0 : pieces[at - 1].end, pieces[at].end};
    const bool match = pieces[at].match;
    bool join = false;
    switch (behavior) {
      case Behavior::removed:
        if (match) continue;
        break;
      case Behavior::isolated:
        break;
      case Behavior::contiguous:
        join = match == matched_before;
        break;
      case Behavior::merged_with_previous:
      case Behavior::merged_with_next:
        join = match && !matched_before;
        break;
    }
    matched_before = match;
    if (!join || ranges.empty()) {
      ranges.push_back(range);
    } else if (backwards) {
      ranges.back().begin = range.begin;
    } else {
      ranges.back().end = range.end;
    }
  }
  if (backwards) std::reverse(ranges.begin(), ranges.end());
}

/// Cuts one word of which `find` gave the pieces.
class Cutter {
 public:
  explicit Cutter(Behavior behavior) : behavior_(behavior) {}

  void cut(const Word& word, std::vector<Word>& out) {
    choose(pieces, behavior_, ranges_);
    for (const Range& range : ranges_) {
      if (range.begin == range.end) continue;
      out.push_back({word.begin + range.begin, range.end - range.begin, word.first && range.begin == 0});
    }
    pieces.clear();
  }

  Pieces pieces;

 private:
  Behavior behavior_;
  std::vector<Range> ranges_;
};

template <class Find>
void cut_words(Words& words, Behavior behavior, const Find& find) {
  std::vector<Word> out;
  Cutter cutter(behavior);
  for (const Word& word : words.words) {
    find(std::string_view(words.text).substr(word.begin, word.length), cutter.pieces);
    cutter.cut(word, out);
  }
  words.words = std::move(out);
}

/// Every character of which `is` holds is a match of its own.
template <class Is>
auto characters(const Is& is) {
  return [is](std::string_view text, Pieces& pieces) {
    std::size_t done = 0;
    for (std::size_t at = 0; at < text.size();) {
      const Rune rune = rune_at(text, at);
      const std::size_t end = at + rune.length;
      if (is(rune.value)) {
        if (at > done) pieces.push_back({at, false});
        pieces.push_back({end, true});
        done = end;
      }
      at = end;
    }
    if (done < text.size()) pieces.push_back({text.size(), false});
  };
}

/// Runs of word characters and of all else are matches, white space is not.
void find_words(std::string_view text, Pieces& pieces) {
  enum class Kind { none, space, word, other };
  Kind before = Kind::none;
  for (std::size_t at = 0; at < text.size();) {
    const Rune rune = rune_at(text, at);
    const Kind kind = unicode::is_white_space(rune.value) ? Kind::space
                      : unicode::is_word(rune.value)      ? Kind::word
                                                          : Kind::other;
    if (kind != before) pieces.push_back({at, kind != Kind::space});
    at += rune.length;
    pieces.back().end = at;
    before = kind;
  }
}

/// Writes every word anew with `write(word, out)`, then cuts it by `cutter` where `find` is not empty.
template <class Write, class Find>
void rewrite_words(Words& words, Behavior behavior, const Write& write, const Find& find) {
  std::string text;
  text.reserve(words.text.size());
  std::vector<Word> out;
  Cutter cutter(behavior);
  for (const Word& word : words.words) {
    const std::size_t begin = text.size();
    write(word, std::string_view(words.text).substr(word.begin, word.length), text);
    const Word written{begin, text.size() - begin, word.first};
    find(std::string_view(text).substr(begin), cutter.pieces);
    cutter.cut(written, out);
  }
  words.text = std::move(text);
  words.words = std::move(out);
}

void find_whole(std::string_view text, Pieces& pieces) { pieces.push_back({text.size(), false}); }

void to_byte_letters(Words& words, const ByteLetters& letters) {
  rewrite_words(
      words, Behavior::isolated,
      [&](const Word&, std::string_view word, std::string& out) { out += letters.letters(word); },
      find_whole);
}

void split_metaspace(Words& words, const split::Metaspace& step) {
  const auto write = [&](const Word& word, std::string_view text, std::string& out) {
    const bool wanted =
        step.prepend == split::Prepend::always || (step.prepend == split::Prepend::first && word.first);
    if (wanted && !text.starts_with(' ') && !text.starts_with(step.replacement)) out += step.replacement;
    for (const char c : text) {
      if (c == ' ') {
        out += step.replacement;
      } else {
        out += c;
      }
    }
  };
  if (!step.split) return rewrite_words(words, Behavior::isolated, write, find_whole);
  rewrite_words(
      words, Behavior::merged_with_next, write,
      characters([rune = rune_at(step.replacement, 0).value](char32_t other) { return other == rune; }));
}

struct MakeStep {
  Step operator()(const split::Pattern& step) const {
    const auto pattern = std::make_shared<const Pattern>(step.pattern);
    return [pattern, step](Words& words) {
      cut_words(words, step.behavior, [&](std::string_view text, Pieces& pieces) {
        pattern->find(text, pieces);
        for (TextRange& piece : pieces) piece.match = piece.match != step.invert;
      });
    };
  }
  Step operator()(const split::ByteLevel& step) const {
    const Splitter split_gpt2 = find_splitter(kGpt2);
    CHECK(split_gpt2 != nullptr);
    return [step, split_gpt2, letters = ByteLetters()](Words& words) {
      rewrite_words(
          words, Behavior::isolated,
          [&](const Word&, std::string_view word, std::string& out) {
            if (step.add_prefix_space && !word.starts_with(' ')) out += ' ';
            out += word;
          },
          step.use_pattern ? split_gpt2 : find_whole);
      to_byte_letters(words, letters);
    };
  }
  Step operator()(const split::Metaspace& step) const {
    return [step](Words& words) { split_metaspace(words, step); };
  }
  Step operator()(const split::Digits& step) const {
    const Behavior behavior = step.individual ? Behavior::isolated : Behavior::contiguous;
    return [behavior](Words& words) { cut_words(words, behavior, characters(unicode::is_numeric)); };
  }
  Step operator()(const split::Punctuation& step) const {
    return
        [step](Words& words) { cut_words(words, step.behavior, characters(unicode::is_split_punctuation)); };
  }
  Step operator()(const split::Bert&) const {
    return [](Words& words) {
      cut_words(words, Behavior::removed, characters(unicode::is_white_space));
      cut_words(words, Behavior::isolated, characters(unicode::is_split_punctuation));
    };
  }
  Step operator()(const split::Whitespace&) const {
    return [](Words& words) {
      cut_words(words, Behavior::removed, [](std::string_view text, Pieces& pieces) {
        find_words(text, pieces);
        for (TextRange& piece : pieces) piece.match = !piece.match;
      });
    };
  }
  Step operator()(const split::WhitespaceSplit&) const {
    return [](Words& words) { cut_words(words, Behavior::removed, characters(unicode::is_white_space)); };
  }
};

}  // namespace

WordSplitter::WordSplitter(const std::vector<split::Step>& steps) {
  for (const split::Step& step : steps) steps_.push_back(std::visit(MakeStep(), step));
}

void WordSplitter::apply(Words& words) const {
  for (const Step& step : steps_) {
    step(words);
    if (words.text.size() > std::numeric_limits<std::int32_t>::max())
      throw Error(ErrorCode::resource_limit, "the text with its spaces marked is over 2^31 - 1 bytes");
  }
}

}  // namespace lathe
