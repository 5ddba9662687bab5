// A tokenizer of a Hugging Face folder as the keys tokenizer.ggml.* and tokenizer.chat_template. GGUF names
// whole tokenizers where tokenizer.json lists steps, so only what amounts to a named one can be written:
//
//   "gpt2"    byte-level BPE, cut by the patterns of a name in tokenizer.ggml.pre
//   "llama"   SentencePiece's BPE: scores instead of merges, where both give the same
//   "bert"    WordPiece behind BERT's normalizer
#pragma once

#include "formats/checkpoint.h"
#include "text/tokenizer_data.h"

namespace lathe {

/// Throws Error(unsupported) naming the part of tokenizer.json that has no name in GGUF.
void set_gguf_tokenizer(const TokenizerData& data, Checkpoint& checkpoint);

}  // namespace lathe
