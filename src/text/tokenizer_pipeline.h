// How text becomes tokens and tokens text, step by step, as a tokenizer.json says it. Plain data: sequences
// are flat, names are resolved to ids.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace lathe {

using TokenId = std::int32_t;

/// Text to search for: as it stands, or a regular expression in the dialect of Oniguruma.
struct TextPattern {
  std::string text;
  bool regex = false;
};

// Before splitting. Every step reads what the one before it wrote.
namespace normalize {
enum class Form : std::uint8_t { nfc, nfd, nfkc, nfkd };
struct Unicode {
  Form form = Form::nfc;
};
struct Lowercase {};
struct StripAccents {};
struct Strip {
  bool left = true, right = true;
};
struct Replace {
  TextPattern pattern;
  std::string content;
};
struct Prepend {
  std::string text;
};
struct Bert {
  bool clean_text = true;
  bool split_chinese = true;
  bool strip_accents = true;
  bool lowercase = true;
};
struct CharacterMap {  // SentencePiece's compiled normalizer; see character_map.h
  std::string bytes;
};
struct Nmt {};
struct ByteLevel {};
using Step = std::variant<Unicode, Lowercase, StripAccents, Strip, Replace, Prepend, Bert, CharacterMap, Nmt,
                          ByteLevel>;
}  // namespace normalize

// Cuts text into words, inside of which the model works.
namespace split {
enum class Behavior : std::uint8_t { removed, isolated, merged_with_previous, merged_with_next, contiguous };
enum class Prepend : std::uint8_t { always, first, never };
struct Pattern {
  TextPattern pattern;
  Behavior behavior = Behavior::isolated;
  bool invert = false;
};
struct ByteLevel {
  bool add_prefix_space = false;
  bool use_pattern = true;  // GPT-2's
};
struct Metaspace {
  std::string replacement = "\xE2\x96\x81";  // U+2581; one character
  Prepend prepend = Prepend::always;
  bool split = true;
};
struct Digits {
  bool individual = false;
};
struct Punctuation {
  Behavior behavior = Behavior::isolated;
};
struct Bert {};
struct Whitespace {};       // words and what lies between them and spaces
struct WhitespaceSplit {};  // at spaces alone
using Step =
    std::variant<Pattern, ByteLevel, Metaspace, Digits, Punctuation, Bert, Whitespace, WhitespaceSplit>;
}  // namespace split

// Tokens to text. Steps before Fuse see one token at a time, those behind it the whole text.
namespace decode {
struct ByteLevel {};
struct ByteFallback {};
struct Fuse {};
struct Metaspace {
  std::string replacement = "\xE2\x96\x81";
  bool drop_first = true;  // of the first token
};
struct WordPiece {
  std::string prefix = "##";
  bool cleanup = true;
};
struct Strip {
  std::string content = " ";  // one character
  std::size_t start = 0, stop = 0;
};
struct Replace {
  TextPattern pattern;
  std::string content;
};
struct WordSuffix {  // "BPEDecoder"
  std::string suffix = "</w>";
};
using Step = std::variant<ByteLevel, ByteFallback, Fuse, Metaspace, WordPiece, Strip, Replace, WordSuffix>;
}  // namespace decode

/// A token that is found in the text before the model sees it.
struct AddedToken {
  TokenId id = -1;
  bool in_model = true;      // the model makes it of text, too
  bool single_word = false;  // only where no word character stands beside it
  bool strip_left = false;   // takes the white space before it
  bool strip_right = false;  // and behind it
  bool normalized = false;   // found in normalized text, by its normalized text
};

struct MergeRule {
  TokenId left = -1, right = -1, result = -1;
};

struct TokenizerPipeline {
  // In their own file: g++ 12 warns wrongly of variants where these are inlined.
  TokenizerPipeline();
  TokenizerPipeline(const TokenizerPipeline&);
  TokenizerPipeline(TokenizerPipeline&&) noexcept;
  TokenizerPipeline& operator=(const TokenizerPipeline&);
  TokenizerPipeline& operator=(TokenizerPipeline&&) noexcept;
  ~TokenizerPipeline();

  std::vector<normalize::Step> normalizers;
  std::vector<split::Step> splits;
  std::vector<decode::Step> decoders;
  bool join_with_spaces = false;  // no decoder at all
  std::vector<AddedToken> added;
  std::vector<TokenId> before, after;  // put around every text

  // Of the models. BPE: merges, best first.
  std::vector<MergeRule> merges;
  std::string continuing_prefix;   // BPE, WordPiece: "##"
  std::string word_suffix;         // BPE: "</w>"
  std::optional<TokenId> unknown;  // what the model makes of what it does not know
  std::string unknown_text;        // its name; set where there is none of it, too
  bool fuse_unknown = false;       // BPE
  bool byte_fallback = false;      // BPE, Unigram
  bool ignore_merges = false;      // BPE: a word that is a token stays one
  std::size_t longest_word = 100;  // WordPiece: characters; longer words are unknown
};

}  // namespace lathe
