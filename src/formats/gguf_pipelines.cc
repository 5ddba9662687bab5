#include "formats/gguf_pipelines.h"

#include <limits>
#include <utility>

#include "text/added_tokens.h"
#include "text/vocabulary.h"

namespace lathe {
namespace {

constexpr std::string_view kSpace = "\u2581";

std::optional<TokenId> token_of(const Checkpoint& checkpoint, const TokenizerData& data, const char* key,
                                TokenId fallback) {
  const auto last = static_cast<std::int64_t>(data.tokens.size()) - 1;
  if (checkpoint.has(key)) return static_cast<TokenId>(checkpoint.integer(key, 0, last));
  if (fallback > last) return std::nullopt;
  return fallback;
}

/// Tokens that are found in text before the model sees it. Longer ones than can be searched for never are.
void add_special_tokens(TokenizerData& data) {
  for (std::size_t i = 0; i < data.tokens.size(); ++i) {
    if (!is_special(data.kinds[i]) && data.kinds[i] != TokenKind::user_defined) continue;
    if (data.tokens[i].size() <= AddedTokens::kLongest)
      data.pipeline.added.push_back({.id = static_cast<TokenId>(i)});
  }
}

void set_unknown(TokenizerData& data) {
  data.pipeline.unknown = data.unknown;
  if (data.unknown) data.pipeline.unknown_text = data.tokens[static_cast<std::size_t>(*data.unknown)];
}

/// Those that are malformed or name what is no token are left out and counted.
void read_merges(TokenizerData& data) {
  const Vocabulary vocabulary(data, {TokenKind::normal, TokenKind::user_defined});
  std::string joined;
  for (const std::string& text : data.merges) {
    const std::string_view merge = text;
    const std::size_t space = merge.find(' ');
    if (space == std::string_view::npos || merge.find(' ', space + 1) != std::string_view::npos) continue;
    const auto left = vocabulary.find(merge.substr(0, space));
    const auto right = vocabulary.find(merge.substr(space + 1));
    joined.assign(merge.substr(0, space)).append(merge.substr(space + 1));
    const auto result = vocabulary.find(joined);
    if (left && right && result) data.pipeline.merges.push_back({*left, *right, *result});
  }
  const std::size_t ignored = data.merges.size() - data.pipeline.merges.size();
  if (ignored > 0)
    data.warnings.push_back(std::to_string(ignored) + " of " + std::to_string(data.merges.size()) +
                            " merges are ignored: malformed, or of unknown tokens");
  data.merges.clear();
}

/// Names such as "[unused7]" stand among the tokens as they are.
bool is_bracketed(std::string_view token) {
  return token.size() > 2 && token.starts_with('[') && token.ends_with(']');
}

}  // namespace

void complete_bert(const Checkpoint& checkpoint, TokenizerData& data) {
  TokenizerPipeline& pipeline = data.pipeline;
  pipeline.continuing_prefix = "##";
  for (std::size_t i = 0; i < data.tokens.size(); ++i) {
    std::string& token = data.tokens[i];
    if (token.starts_with(kSpace)) {
      token.erase(0, kSpace.size());
    } else if (data.kinds[i] == TokenKind::normal && !is_bracketed(token) && !token.empty()) {
      token.insert(0, pipeline.continuing_prefix);
    }
  }
  add_special_tokens(data);
  set_unknown(data);

  normalize::Bert normalizer;
  normalizer.lowercase = checkpoint.boolean_or("tokenizer.ggml.normalizer.lowercase", true);
  normalizer.strip_accents =
      checkpoint.boolean_or("tokenizer.ggml.normalizer.strip_accents", normalizer.lowercase);
  pipeline.normalizers.emplace_back(normalizer);
  pipeline.splits.emplace_back(std::in_place_type<split::Bert>);
  pipeline.decoders.emplace_back(decode::WordPiece{});

  // Texts stand between [CLS] and [SEP], whatever add_bos_token says; which token [CLS] is has two keys.
  constexpr TokenId kCls = 101, kSep = 102;
  data.bos = token_of(checkpoint, data,
                      checkpoint.has("tokenizer.ggml.bos_token_id") ? "tokenizer.ggml.bos_token_id"
                                                                    : "tokenizer.ggml.cls_token_id",
                      kCls);
  if (data.bos) pipeline.before = {*data.bos};
  if (const auto id = token_of(checkpoint, data, "tokenizer.ggml.seperator_token_id", kSep))
    pipeline.after = {*id};
}

void complete_gemma4(const Checkpoint&, TokenizerData& data) {
  TokenizerPipeline& pipeline = data.pipeline;
  read_merges(data);
  add_special_tokens(data);
  set_unknown(data);
  pipeline.byte_fallback = true;
  pipeline.normalizers.emplace_back(normalize::Replace{{" ", false}, std::string(kSpace)});
  pipeline.splits.emplace_back(split::Pattern{{R"([^\n]+|[\n]+)", true}});
  pipeline.decoders.emplace_back(decode::Replace{{std::string(kSpace), false}, " "});
  pipeline.decoders.emplace_back(decode::ByteFallback{});
  pipeline.decoders.emplace_back(decode::Fuse{});
  // Files in circulation say that no BOS is added; the model was trained with it.
  data.add_bos = data.bos.has_value();
}

void complete_t5(const Checkpoint& checkpoint, TokenizerData& data) {
  TokenizerPipeline& pipeline = data.pipeline;
  add_special_tokens(data);
  set_unknown(data);
  if (const auto* stored = checkpoint.integers("tokenizer.ggml.precompiled_charsmap")) {
    normalize::CharacterMap map;
    map.bytes.reserve(stored->size());
    for (const std::int64_t byte : *stored) map.bytes += static_cast<char>(byte);
    pipeline.normalizers.emplace_back(std::move(map));
  }
  const bool merge_spaces = checkpoint.boolean_or("tokenizer.ggml.remove_extra_whitespaces", false);
  if (merge_spaces) {
    pipeline.normalizers.emplace_back(normalize::Replace{{" {2,}", true}, " "});
    pipeline.normalizers.emplace_back(normalize::Strip{});
  }
  const bool prefix = data.add_space_prefix || merge_spaces;
  split::Metaspace spaces;
  spaces.prepend = prefix ? split::Prepend::always : split::Prepend::never;
  spaces.split = false;
  pipeline.splits.emplace_back(spaces);
  pipeline.decoders.emplace_back(decode::Metaspace{.drop_first = prefix});
}

}  // namespace lathe
