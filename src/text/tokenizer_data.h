// What a tokenizer is made of, whatever file it came from.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "text/tokenizer_pipeline.h"
#include "text/tokenizer_tables.h"

namespace lathe {

enum class TokenKind : std::uint8_t { normal, unknown, control, user_defined, unused, byte };

/// Tokens that text becomes only where the caller vouches for it.
constexpr bool is_special(TokenKind kind) { return kind == TokenKind::control || kind == TokenKind::unknown; }

enum class TokenizerModel : std::uint8_t {
  byte_bpe,  // GPT-2: bytes as letters, merges by rank (GGUF "gpt2")
  spm_bpe,   // SentencePiece BPE: merges by score, bytes as <0xNN> (GGUF "llama")
  // With a pipeline:
  bpe,         // merges by rank
  unigram,     // the cut with the best sum of scores
  word_piece,  // the longest token first
};

struct TokenizerData {
  TokenizerModel model = TokenizerModel::byte_bpe;
  std::string pre_tokenizer;        // by its name in GGUF: "smollm", "default"
  std::vector<std::string> tokens;  // indexed by id; as stored (byte_bpe: letters that stand for bytes)
  std::vector<TokenKind> kinds;     // as many as tokens
  std::vector<double> scores;       // spm_bpe, unigram: as many as tokens
  std::vector<std::string> merges;  // byte_bpe: "left right", best first
  bool add_bos = false;
  bool add_eos = false;
  bool add_space_prefix = false;
  std::optional<TokenId> bos;
  std::optional<TokenId> eos;
  std::optional<TokenId> unknown;
  std::optional<TokenId> padding;
  std::vector<TokenId> end_ids;       // every token that ends generation: EOS, end of turn, ...
  std::string chat_template;          // empty: none
  std::vector<std::string> warnings;  // one line each: what is odd but was accepted
  TokenizerPipeline pipeline;         // of bpe, unigram, word_piece
  /// Made ahead from these data, where they were read from a plan: then `merges` are in there alone.
  std::shared_ptr<const TokenizerTables> tables;

  /// What is put around every text: of the pipeline, otherwise BOS and EOS where they are to be added.
  std::vector<TokenId> ids_before() const {
    if (pipeline.before.empty() && add_bos && bos) return {*bos};
    return pipeline.before;
  }
  std::vector<TokenId> ids_after() const {
    if (pipeline.after.empty() && add_eos && eos) return {*eos};
    return pipeline.after;
  }
};

}  // namespace lathe
