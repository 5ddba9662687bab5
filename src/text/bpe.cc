#include "text/bpe.h"

#include "text/utf8.h"

namespace lathe {

Bpe::Bpe(const TokenizerData& data)
    : data_(data),
      vocabulary_(data, tokens_of_model(data)),
      merges_(data, data.pipeline.merges.size()),
      byte_tokens_(find_byte_tokens(data, tokens_of_model(data))) {
  if (merges_.ready()) return;
  const std::vector<MergeRule>& rules = data.pipeline.merges;
  // Of equal pairs the last one counts, and the table keeps the first that it gets.
  for (std::size_t i = rules.size(); i-- > 0;)
    merges_.insert(rules[i].left, rules[i].right, {static_cast<std::uint32_t>(i), rules[i].result});
}

bool Bpe::may_make(TokenId id, bool control) const {
  return control || !is_special(data_.kinds[static_cast<std::size_t>(id)]);
}

void Bpe::encode(std::string_view text, std::span<const Word> words, bool control,
                 std::vector<TokenId>& ids) const {
  Scratch scratch;
  for (const Word& word : words) encode_word(text.substr(word.begin, word.length), control, scratch, ids);
}

void Bpe::encode_word(std::string_view word, bool control, Scratch& scratch,
                      std::vector<TokenId>& ids) const {
  if (data_.pipeline.ignore_merges) {
    const auto whole = vocabulary_.find(word);
    if (whole && may_make(*whole, control)) {
      ids.push_back(*whole);
      return;
    }
  }
  SymbolMerger& merger = scratch.merger;
  merger.clear();
  add_characters(word, control, scratch);
  merger.merge([&](const Symbol& left, const Symbol& right) -> std::optional<Merge> {
    const auto merge = merges_.find(left.id, right.id);
    if (!merge || !may_make(merge->id, control)) return std::nullopt;
    return merge;
  });
  merger.for_each([&](const Symbol& symbol) { ids.push_back(symbol.id); });
}

void Bpe::add_characters(std::string_view word, bool control, Scratch& scratch) const {
  const TokenizerPipeline& pipeline = data_.pipeline;
  std::uint32_t at = 0;
  const auto add = [&](std::uint32_t length, TokenId id) {
    scratch.merger.add(at, length, id);
    at += length;
  };
  // Unknown characters wait for a known one, and may become one token with others; bytes do not end that.
  std::uint32_t unknown = 0;
  const auto add_unknown = [&](std::string_view text) {
    if (unknown > 0) add(unknown, unknown_token(data_, text));
    unknown = 0;
  };
  for (std::size_t i = 0; i < word.size();) {
    const std::size_t length = rune_at(word, i).length;
    std::string_view character = word.substr(i, length);
    const bool decorated = (i > 0 && !pipeline.continuing_prefix.empty()) ||
                           (i + length == word.size() && !pipeline.word_suffix.empty());
    if (decorated) {
      scratch.text = i > 0 ? pipeline.continuing_prefix : std::string();
      scratch.text += character;
      if (i + length == word.size()) scratch.text += pipeline.word_suffix;
      character = scratch.text;
    }
    i += length;
    const auto bytes = static_cast<std::uint32_t>(length);
    const auto id = vocabulary_.find(character);
    if (id && may_make(*id, control)) {
      add_unknown(character);
      add(bytes, *id);
      continue;
    }
    scratch.bytes.clear();
    if (pipeline.byte_fallback && append_bytes(byte_tokens_, character, scratch.bytes)) {
      for (const TokenId byte : scratch.bytes) add(1, byte);
    } else if (!pipeline.unknown_text.empty()) {
      if (!pipeline.fuse_unknown) add_unknown(character);
      unknown += bytes;
    }
  }
  add_unknown(word);
}

}  // namespace lathe
