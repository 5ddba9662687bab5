// What a tokenizer is made of, whatever file it came from.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lathe {

using TokenId = std::int32_t;

enum class TokenKind : std::uint8_t { normal, unknown, control, user_defined, unused, byte };

enum class TokenizerModel : std::uint8_t {
  byte_bpe,  // GPT-2: bytes as letters, merges by rank (GGUF "gpt2")
  spm_bpe,   // SentencePiece BPE: merges by score, bytes as <0xNN> (GGUF "llama")
};

struct TokenizerData {
  TokenizerModel model = TokenizerModel::byte_bpe;
  std::string pre_tokenizer;        // by its name in GGUF: "smollm", "default"
  std::vector<std::string> tokens;  // indexed by id; as stored (byte_bpe: letters that stand for bytes)
  std::vector<TokenKind> kinds;     // as many as tokens
  std::vector<float> scores;        // spm_bpe: as many as tokens
  std::vector<std::string> merges;  // byte_bpe: "left right", best first
  bool add_bos = false;
  bool add_eos = false;
  bool add_space_prefix = false;
  std::optional<TokenId> bos;
  std::optional<TokenId> eos;
  std::optional<TokenId> unknown;
  std::optional<TokenId> padding;
  std::vector<TokenId> end_ids;  // every token that ends generation: EOS, end of turn, ...
  std::string chat_template;     // empty: none
};

}  // namespace lathe
