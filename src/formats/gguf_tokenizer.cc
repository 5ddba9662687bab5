// TokenizerData from the keys tokenizer.ggml.*, with the defaults that files rely on (those of llama.cpp).
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>

#include "base/error.h"
#include "formats/gguf.h"
#include "formats/gguf_pipelines.h"
#include "text/pre_tokenizer.h"

namespace lathe {
namespace {

const std::string kPrefix = "tokenizer.ggml.";

struct ModelDefaults {
  std::string_view name;  // tokenizer.ggml.model
  TokenizerModel model;
  bool add_bos;
  bool add_space_prefix;
  // Used where the key is missing and the vocabulary has such an id. -1: none.
  TokenId bos;
  TokenId eos;
  TokenId unknown;
  bool add_eos = false;
  void (*complete)(const Checkpoint&, TokenizerData&) = nullptr;  // of those with a pipeline
};

constexpr ModelDefaults kModels[] = {
    {"gpt2", TokenizerModel::byte_bpe, false, false, -1, -1, -1},
    {"llama", TokenizerModel::spm_bpe, true, true, 1, 2, 0},
    {"bert", TokenizerModel::word_piece, false, false, -1, -1, 100, false, complete_bert},
    {"gemma4", TokenizerModel::bpe, true, false, -1, -1, -1, false, complete_gemma4},
    {"t5", TokenizerModel::unigram, false, false, -1, 1, 2, true, complete_t5},
};

// Control tokens that end a turn in models whose files name only one end token.
constexpr std::string_view kEndTexts[] = {
    "<|im_end|>",      "<|eot_id|>", "<|eom_id|>",    "<|end|>",
    "<|return|>",      "<|call|>",   "<end_of_turn>", "<turn|>",
    "<|endoftext|>",   "</s>",       "<eos>",         "<EOT>",
    "<|end_of_text|>", "[EOT]",      "[EOS]",         "<end_of_utterance>",
};

const ModelDefaults& find_model(const Checkpoint& checkpoint) {
  const std::string& name = checkpoint.text("tokenizer.ggml.model");
  for (const ModelDefaults& row : kModels)
    if (row.name == name) return row;
  throw Error(ErrorCode::unsupported, "tokenizer '" + printable(name, 64) + "' is not supported",
              {checkpoint.file, std::nullopt, "tokenizer.ggml.model"});
}

// Rows of an array that goes with the tokens.
template <class T>
const std::vector<T>& same_length(const Checkpoint& checkpoint, const std::vector<T>& values,
                                  const TokenizerData& data, const std::string& key) {
  if (values.size() != data.tokens.size())
    checkpoint.fail(
        std::to_string(values.size()) + " values for " + std::to_string(data.tokens.size()) + " tokens", key);
  return values;
}

void read_kinds(const Checkpoint& checkpoint, TokenizerData& data) {
  data.kinds.assign(data.tokens.size(), TokenKind::normal);
  const std::string key = kPrefix + "token_type";
  const auto* stored = checkpoint.integers(key);
  if (stored == nullptr) return;
  // GGUF's numbers; 0 is "undefined".
  constexpr std::array kKinds = {TokenKind::normal,  TokenKind::normal,       TokenKind::unknown,
                                 TokenKind::control, TokenKind::user_defined, TokenKind::unused,
                                 TokenKind::byte};
  same_length(checkpoint, *stored, data, key);
  for (std::size_t i = 0; i < stored->size(); ++i) {
    const std::int64_t number = (*stored)[i];
    if (number < 0 || number >= static_cast<std::int64_t>(kKinds.size()))
      checkpoint.fail(
          "token " + std::to_string(i) + " has type " + std::to_string(number) + "; 0 to 6 are known", key);
    data.kinds[i] = kKinds[static_cast<std::size_t>(number)];
  }
}

void read_scores(const Checkpoint& checkpoint, TokenizerData& data) {
  const std::string key = kPrefix + "scores";
  const auto* stored = checkpoint.reals(key);
  if (stored == nullptr) {
    if (data.model == TokenizerModel::spm_bpe || data.model == TokenizerModel::unigram)
      checkpoint.fail("a required key is missing", key);
    return;
  }
  same_length(checkpoint, *stored, data, key);
  data.scores.reserve(stored->size());
  for (const double score : *stored) {
    // Merges are ordered by score, and NaN has no order.
    if (score != score) checkpoint.fail("a score is NaN", key);
    data.scores.push_back(static_cast<float>(score));
  }
}

std::optional<TokenId> read_id(const Checkpoint& checkpoint, const TokenizerData& data,
                               const std::string& key, TokenId fallback) {
  const auto last = static_cast<std::int64_t>(data.tokens.size()) - 1;
  if (checkpoint.has(kPrefix + key)) return static_cast<TokenId>(checkpoint.integer(kPrefix + key, 0, last));
  if (fallback < 0 || fallback > last) return std::nullopt;
  return fallback;
}

// Padding is never used here, and files in circulation write -1 for "none".
std::optional<TokenId> read_padding(const Checkpoint& checkpoint, const TokenizerData& data) {
  const std::string key = kPrefix + "padding_token_id";
  if (!checkpoint.has(key)) return std::nullopt;
  const auto id = checkpoint.integer(key, -1, std::numeric_limits<std::uint32_t>::max());
  if (id < 0 || id >= static_cast<std::int64_t>(data.tokens.size())) return std::nullopt;
  return static_cast<TokenId>(id);
}

void read_special_ids(const Checkpoint& checkpoint, const ModelDefaults& defaults, TokenizerData& data) {
  data.bos = read_id(checkpoint, data, "bos_token_id", defaults.bos);
  data.eos = read_id(checkpoint, data, "eos_token_id", defaults.eos);
  data.unknown = read_id(checkpoint, data, "unknown_token_id", defaults.unknown);
  data.padding = read_padding(checkpoint, data);

  const auto add_end = [&](std::optional<TokenId> id) {
    if (id && std::find(data.end_ids.begin(), data.end_ids.end(), *id) == data.end_ids.end())
      data.end_ids.push_back(*id);
  };
  add_end(data.eos);
  add_end(read_id(checkpoint, data, "eot_token_id", -1));
  add_end(read_id(checkpoint, data, "eom_token_id", -1));
  // Ours, of converted folders: GGUF has no key for several.
  const std::string ends_key = kPrefix + "end_token_ids";
  if (const auto* ends = checkpoint.integers(ends_key)) {
    for (const std::int64_t id : *ends) {
      if (id < 0 || id >= static_cast<std::int64_t>(data.tokens.size()))
        checkpoint.fail("there is no token " + std::to_string(id), ends_key);
      add_end(static_cast<TokenId>(id));
    }
  }
  for (std::size_t i = 0; i < data.tokens.size(); ++i)
    if (data.kinds[i] == TokenKind::control &&
        std::find(std::begin(kEndTexts), std::end(kEndTexts), data.tokens[i]) != std::end(kEndTexts))
      add_end(static_cast<TokenId>(i));

  // In the vocabularies with these tokens, <|end|> closes a message within a turn.
  const auto has = [&](std::string_view text) {
    return std::any_of(data.end_ids.begin(), data.end_ids.end(),
                       [&](TokenId id) { return data.tokens[id] == text; });
  };
  if (has("<|return|>") && has("<|call|>"))
    std::erase_if(data.end_ids, [&](TokenId id) { return data.tokens[id] == "<|end|>"; });
}

// A compiled SentencePiece normalizer: u32 length of its trie, the trie, replacement texts. Merging by score
// does not use it, but one that contradicts itself says that the file is broken.
void check_charsmap(const Checkpoint& checkpoint) {
  const std::string key = kPrefix + "precompiled_charsmap";
  const auto* bytes = checkpoint.integers(key);
  if (bytes == nullptr) return;
  std::uint64_t trie_bytes = 0;
  for (std::size_t i = 0; i < 4 && i < bytes->size(); ++i)
    trie_bytes |= (static_cast<std::uint64_t>((*bytes)[i]) & 255u) << (8 * i);
  if (bytes->size() < 4 || trie_bytes >= bytes->size() - 4)
    checkpoint.fail(
        "the character map of " + std::to_string(bytes->size()) + " bytes is shorter than it says", key);
}

}  // namespace

TokenizerData gguf_tokenizer(const Checkpoint& checkpoint) {
  const ModelDefaults& defaults = find_model(checkpoint);
  TokenizerData data;
  data.model = defaults.model;
  data.pre_tokenizer = checkpoint.optional_text("tokenizer.ggml.pre").value_or("default");

  const auto* tokens = checkpoint.strings("tokenizer.ggml.tokens");
  if (tokens == nullptr) checkpoint.fail("a required key is missing", "tokenizer.ggml.tokens");
  if (tokens->empty()) checkpoint.fail("the vocabulary is empty", "tokenizer.ggml.tokens");
  data.tokens = *tokens;
  read_kinds(checkpoint, data);
  read_scores(checkpoint, data);
  if (const auto* merges = checkpoint.strings("tokenizer.ggml.merges"))
    data.merges = *merges;
  else if (data.model == TokenizerModel::byte_bpe || data.model == TokenizerModel::bpe)
    checkpoint.fail("a required key is missing", "tokenizer.ggml.merges");
  check_charsmap(checkpoint);

  const PreTokenizer* pre_tokenizer = find_pre_tokenizer(data.pre_tokenizer);
  const bool pre_adds_bos =
      data.model == TokenizerModel::byte_bpe && pre_tokenizer != nullptr && pre_tokenizer->add_bos;
  read_special_ids(checkpoint, defaults, data);
  // By default BOS is added only where there is one; a file that asks for it must have it.
  data.add_bos = checkpoint.boolean_or("tokenizer.ggml.add_bos_token",
                                       (defaults.add_bos || pre_adds_bos) && data.bos.has_value());
  data.add_eos =
      checkpoint.boolean_or("tokenizer.ggml.add_eos_token", defaults.add_eos && data.eos.has_value());
  if (data.add_bos && !data.bos)
    checkpoint.fail("there is no BOS token to add", "tokenizer.ggml.add_bos_token");
  if (data.add_eos && !data.eos)
    checkpoint.fail("there is no EOS token to add", "tokenizer.ggml.add_eos_token");
  data.add_space_prefix = checkpoint.boolean_or("tokenizer.ggml.add_space_prefix", defaults.add_space_prefix);
  data.chat_template = checkpoint.optional_text("tokenizer.chat_template").value_or("");
  if (defaults.complete != nullptr) defaults.complete(checkpoint, data);
  return data;
}

}  // namespace lathe
