#include "formats/gguf_tokenizer_writer.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>
#include <unordered_map>

#include "base/error.h"

namespace lathe {
namespace {

const std::string kPrefix = "tokenizer.ggml.";
constexpr std::string_view kSpace = "\u2581";

// As tokenizer.json spells them.
constexpr std::string_view kGpt2 =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
constexpr std::string_view kLlama3 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kQwen2 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kGpt4o =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kTekken =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kNumber = R"(\p{N})";

struct NamedSplit {
  std::string_view name;
  std::array<std::string_view, 2> patterns;
  bool whole_words = false;  // a word that is a token stays one
  bool composes = false;     // the tokenizer that has the name puts text into NFC; GGUF does not say so
};
constexpr NamedSplit kNamedSplits[] = {
    {"gpt-2", {kGpt2}},
    {"smollm", {kNumber, kGpt2}},
    {.name = "llama-bpe", .patterns = {kLlama3}, .whole_words = true},
    {"smaug-bpe", {kLlama3}},
    {.name = "qwen2", .patterns = {kQwen2}, .composes = true},
    {"gpt-4o", {kGpt4o}},
    {.name = "tekken", .patterns = {kTekken}, .whole_words = true},
};

// Names of the steps in tokenizer.json, in the order of the variants.
constexpr std::array<std::string_view, 10> kNormalizers = {
    "Unicode form", "Lowercase",      "StripAccents", "Strip", "Replace",
    "Prepend",      "BertNormalizer", "Precompiled",  "Nmt",   "ByteLevel"};
constexpr std::array<std::string_view, 8> kSplits = {"Split",      "ByteLevel",      "Metaspace",
                                                     "Digits",     "Punctuation",    "BertPreTokenizer",
                                                     "Whitespace", "WhitespaceSplit"};

template <class Step, class Variant>
const Step* as(const Variant& step) {
  return std::get_if<Step>(&step);
}

class KeyWriter {
 public:
  KeyWriter(const TokenizerData& data, Checkpoint& checkpoint)
      : data_(data), pipeline_(data.pipeline), checkpoint_(checkpoint) {}

  void byte_bpe() {
    std::vector<std::string_view> patterns;
    for (const auto& step : pipeline_.splits) add_pattern(step, patterns);
    const bool composes = composes_text();
    const auto* found = std::find_if(std::begin(kNamedSplits), std::end(kNamedSplits), [&](const auto& row) {
      const auto count = static_cast<std::size_t>(!row.patterns[0].empty()) + !row.patterns[1].empty();
      return count == patterns.size() && std::equal(patterns.begin(), patterns.end(), row.patterns.begin()) &&
             row.whole_words == pipeline_.ignore_merges && (row.composes || !composes);
    });
    if (found == std::end(kNamedSplits))
      refuse("pre_tokenizer", "its patterns have no name in GGUF together" +
                                  (patterns.empty() ? std::string() : ": " + std::string(patterns.front())));
    set("model", std::string("gpt2"));
    set("pre", std::string(found->name));
    set_merges();
    set_tokens(data_.tokens, kinds());
    set_ends();
  }

  void sentence_piece_bpe() {
    bool prefix = false;
    for (const auto& step : pipeline_.normalizers) {
      if (const auto* text = as<normalize::Prepend>(step); text && text->text == kSpace) {
        prefix = true;
      } else if (const auto* spaces = as<normalize::Replace>(step); !spaces || spaces->pattern.regex ||
                                                                    spaces->pattern.text != " " ||
                                                                    spaces->content != kSpace) {
        refuse_normalizer(step);
      }
    }
    for (const auto& step : pipeline_.splits) {
      const auto* spaces = as<split::Metaspace>(step);
      const auto* pattern = as<split::Pattern>(step);
      // Spaces are gone before a text is cut at them.
      if (pattern && !pattern->pattern.regex && pattern->pattern.text == " ") continue;
      if (!spaces || spaces->split || spaces->replacement != kSpace) refuse_split(step);
      prefix = prefix || spaces->prepend != split::Prepend::never;
    }
    set("model", std::string("llama"));
    set("pre", std::string("default"));
    set("add_space_prefix", prefix);
    set("scores", scores_of_merges());
    auto bytes = kinds();
    for (std::size_t i = 0; i < bytes.size(); ++i)
      if (bytes[i] == kNormal && is_byte(data_.tokens[i])) bytes[i] = kByte;
    set_tokens(data_.tokens, bytes);
    set_ends();
  }

  void word_piece() {
    const auto* normalizer =
        pipeline_.normalizers.size() == 1 ? as<normalize::Bert>(pipeline_.normalizers[0]) : nullptr;
    if (!normalizer) {
      if (pipeline_.normalizers.empty()) refuse("normalizer", "there is none, which has no name in GGUF");
      refuse_normalizer(pipeline_.normalizers.front());
    }
    if (!normalizer->clean_text || !normalizer->split_chinese)
      refuse("normalizer", "without clean_text or handle_chinese_chars it has no name in GGUF");
    if (pipeline_.splits.size() != 1) refuse("pre_tokenizer", "it is not BertPreTokenizer alone");
    if (!as<split::Bert>(pipeline_.splits[0])) refuse_split(pipeline_.splits[0]);
    if (pipeline_.continuing_prefix != "##") refuse("model", "continuing_subword_prefix is not ##");
    if (pipeline_.before.size() != 1 || pipeline_.after.size() != 1)
      refuse("post_processor", "texts do not stand between one token and one other");
    set("model", std::string("bert"));
    set("pre", std::string("default"));
    if (!normalizer->lowercase) set("normalizer.lowercase", false);
    if (normalizer->strip_accents != normalizer->lowercase)
      set("normalizer.strip_accents", normalizer->strip_accents);
    std::vector<std::string> tokens = data_.tokens;
    const auto types = kinds();
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      if (types[i] != kNormal) continue;
      if (tokens[i].starts_with("##")) {
        tokens[i].erase(0, 2);
      } else if (!(tokens[i].starts_with('[') && tokens[i].ends_with(']') && tokens[i].size() > 2)) {
        tokens[i].insert(0, kSpace);
      }
    }
    set_tokens(std::move(tokens), types);
    set_id("bos_token_id", pipeline_.before.front());
    set_id("cls_token_id", pipeline_.before.front());
    set_id("eos_token_id", pipeline_.after.front());
    set_id("seperator_token_id", pipeline_.after.front());
    set("token_type_count", std::int64_t{2});
  }

  void ids() {
    set_id("bos_token_id", data_.bos);
    set_id("eos_token_id", data_.eos);
    set_id("unknown_token_id", data_.unknown ? data_.unknown : pipeline_.unknown);
    set_id("padding_token_id", data_.padding);
    set_end_ids();
    if (!data_.chat_template.empty()) checkpoint_.metadata["tokenizer.chat_template"] = data_.chat_template;
  }

  [[noreturn]] void refuse(std::string_view part, const std::string& why) const {
    throw Error(ErrorCode::unsupported, printable(why, 600),
                {checkpoint_.file, {}, "tokenizer.json, " + std::string(part)});
  }

 private:
  // GGUF's numbers of token types.
  static constexpr std::int64_t kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4, kUnused = 5,
                                kByte = 6;

  void set(std::string_view key, MetadataValue value) {
    checkpoint_.metadata[kPrefix + std::string(key)] = std::move(value);
  }
  void set_id(std::string_view key, std::optional<TokenId> id) {
    if (id) set(key, std::int64_t{*id});
  }

  [[noreturn]] void refuse_normalizer(const normalize::Step& step) const {
    refuse("normalizer", std::string(kNormalizers[step.index()]) + " has no name in GGUF here");
  }
  [[noreturn]] void refuse_split(const split::Step& step) const {
    refuse("pre_tokenizer", std::string(kSplits[step.index()]) + " has no name in GGUF here");
  }

  /// All of them under a key of ours; a second one under GGUF's key for it, too.
  void set_end_ids() {
    if (data_.end_ids.empty()) return;
    set("end_token_ids", std::vector<std::int64_t>(data_.end_ids.begin(), data_.end_ids.end()));
    for (const TokenId id : data_.end_ids)
      if (data_.end_ids.size() == 2 && data_.eos && id != *data_.eos) set_id("eot_token_id", id);
  }

  void add_pattern(const split::Step& step, std::vector<std::string_view>& patterns) const {
    if (const auto* bytes = as<split::ByteLevel>(step)) {
      if (bytes->add_prefix_space)
        refuse("pre_tokenizer", "ByteLevel's add_prefix_space has no name in GGUF");
      if (bytes->use_pattern) patterns.push_back(kGpt2);
    } else if (const auto* digits = as<split::Digits>(step); digits && digits->individual) {
      patterns.push_back(kNumber);
    } else if (const auto* pattern = as<split::Pattern>(step);
               pattern && pattern->pattern.regex &&
               ((pattern->behavior == split::Behavior::isolated && !pattern->invert) ||
                (pattern->behavior == split::Behavior::removed && pattern->invert))) {
      patterns.push_back(pattern->pattern.text);
    } else {
      refuse_split(step);
    }
  }

  bool composes_text() const {
    for (const auto& step : pipeline_.normalizers) {
      const auto* form = as<normalize::Unicode>(step);
      if (!form || form->form != normalize::Form::nfc) refuse_normalizer(step);
    }
    return !pipeline_.normalizers.empty();
  }

  std::vector<std::int64_t> kinds() const {
    constexpr std::array kNumbers = {kNormal, kUnknown, kControl, kUserDefined, kUnused, kByte};
    std::vector<std::int64_t> numbers;
    numbers.reserve(data_.kinds.size());
    for (const TokenKind kind : data_.kinds) numbers.push_back(kNumbers[static_cast<std::size_t>(kind)]);
    for (const AddedToken& added : pipeline_.added) {
      auto& number = numbers.at(static_cast<std::size_t>(added.id));
      if (number != kNormal) continue;
      number = kUserDefined;
      // What is found in any text must be found as tokenizer.json says; control tokens are parsed on request.
      if (added.single_word || added.strip_left || added.strip_right)
        refuse("added_tokens", "token " + std::to_string(added.id) +
                                   " takes white space along or whole words alone, which GGUF cannot say");
    }
    return numbers;
  }

  void set_tokens(std::vector<std::string> tokens, std::vector<std::int64_t> types) {
    set("tokens", std::move(tokens));
    set("token_type", std::move(types));
  }

  void set_ends() {
    const auto is = [](const std::vector<TokenId>& ids, std::optional<TokenId> id) {
      return id && ids.size() == 1 && ids.front() == *id;
    };
    const std::vector<TokenId> before = data_.ids_before(), after = data_.ids_after();
    if (!before.empty() && !is(before, data_.bos)) refuse("post_processor", "texts begin with more than BOS");
    if (!after.empty() && !is(after, data_.eos)) refuse("post_processor", "texts end with more than EOS");
    set("add_bos_token", !before.empty());
    set("add_eos_token", !after.empty());
  }

  const std::string& token(TokenId id) const { return data_.tokens.at(static_cast<std::size_t>(id)); }

  void set_merges() {
    std::vector<std::string> merges;
    merges.reserve(pipeline_.merges.size());
    for (const MergeRule& merge : pipeline_.merges) {
      for (const TokenId id : {merge.left, merge.right})
        if (token(id).find(' ') != std::string::npos) refuse("model", "a merge of tokens with spaces");
      merges.push_back(token(merge.left) + " " + token(merge.right));
    }
    set("merges", std::move(merges));
  }

  static bool is_byte(std::string_view token) {
    return token.size() == 6 && token.starts_with("<0x") && token.ends_with('>');
  }

  /// SentencePiece joins the neighbours whose token has the best score, whatever the two are. That gives what
  /// merges give where every way to cut a token into two tokens is a merge, next to each other by rank.
  std::vector<double> scores_of_merges() const {
    std::unordered_map<std::string_view, TokenId> ids;
    for (std::size_t i = 0; i < data_.tokens.size(); ++i)
      if (data_.kinds[i] == TokenKind::normal) ids.emplace(data_.tokens[i], static_cast<TokenId>(i));
    std::vector<std::int64_t> merges_of(data_.tokens.size(), 0);
    std::vector<double> scores(data_.tokens.size(), 0);
    double score = 0;
    TokenId before = -1;
    for (const MergeRule& merge : pipeline_.merges) {
      const auto result = static_cast<std::size_t>(merge.result);
      if (merge.result != before && merges_of.at(result) > 0)
        refuse("model",
               "token " + std::to_string(merge.result) + " has merges of far ranks; scores cannot say so");
      if (merge.result != before) scores[result] = score -= 1;
      ++merges_of[result];
      before = merge.result;
    }
    for (std::size_t i = 0; i < data_.tokens.size(); ++i) {
      if (data_.kinds[i] != TokenKind::normal || is_byte(data_.tokens[i])) continue;
      const std::string_view text = data_.tokens[i];
      std::int64_t cuts = 0;
      for (std::size_t at = 1; at < text.size(); ++at)
        cuts += ids.contains(text.substr(0, at)) && ids.contains(text.substr(at));
      if (cuts > merges_of[i])
        refuse("model", "token " + std::to_string(i) + " lacks merges that scores would make");
      // Never made by a join.
      if (merges_of[i] == 0) scores[i] = score - 1;
    }
    return scores;
  }

  const TokenizerData& data_;
  const TokenizerPipeline& pipeline_;
  Checkpoint& checkpoint_;
};

bool is_byte_level(const TokenizerPipeline& pipeline) {
  return std::any_of(pipeline.splits.begin(), pipeline.splits.end(),
                     [](const auto& step) { return as<split::ByteLevel>(step) != nullptr; });
}

}  // namespace

void set_gguf_tokenizer(const TokenizerData& data, Checkpoint& checkpoint) {
  KeyWriter writer(data, checkpoint);
  const bool plain = data.pipeline.continuing_prefix.empty() && data.pipeline.word_suffix.empty();
  writer.ids();
  if (data.model == TokenizerModel::bpe && plain && is_byte_level(data.pipeline)) {
    writer.byte_bpe();
  } else if (data.model == TokenizerModel::bpe && plain && data.pipeline.byte_fallback) {
    writer.sentence_piece_bpe();
  } else if (data.model == TokenizerModel::word_piece) {
    writer.word_piece();
  } else {
    writer.refuse("model", data.model == TokenizerModel::unigram
                               ? "Unigram is not converted"
                               : "BPE that is neither of bytes nor falls back to them has no name in GGUF");
  }
}

}  // namespace lathe
