// A whole llama model small enough to build in a test: random weights (Q8_0, Q4_0 and F32), a byte-level BPE
// tokenizer of 300 tokens with SmolLM2's pre-tokenizer, and a ChatML template. The same seed gives the same
// bytes.
#pragma once

#include <cstdint>
#include <string>

#include "support/gguf_builder.h"

namespace lathe::test {

struct TinyModelOptions {
  std::uint32_t seed = 1;
  std::uint32_t layers = 2;
  std::uint32_t embedding = 64;
  std::uint32_t heads = 4;
  std::uint32_t kv_heads = 2;
  std::uint32_t feed_forward = 128;
  std::uint32_t context_tokens = 512;
};

inline constexpr std::uint32_t kTinyVocabulary = 300;

/// The tokenizer's keys alone: tokens 0 to 2 are <|endoftext|>, <|im_start|> and <|im_end|> (EOS), 3 to 258
/// the bytes.
void add_tiny_tokenizer(GgufBuilder& builder);

GgufBuilder tiny_model(const TinyModelOptions& options = {});
void write_tiny_model(const std::string& path, const TinyModelOptions& options = {});

}  // namespace lathe::test
