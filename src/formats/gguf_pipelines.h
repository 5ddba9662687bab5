// Pipelines for the tokenizers of GGUF that are no plain BPE: the file says the kind, its steps are known.
#pragma once

#include "formats/checkpoint.h"
#include "text/tokenizer_data.h"

namespace lathe {

/// All take data with tokens, kinds, scores, merges and special ids, and complete it.

/// "bert": WordPiece. Tokens that begin a word have U+2581 before them; they lose it, and the others get
/// "##".
void complete_bert(const Checkpoint& checkpoint, TokenizerData& data);

/// "gemma4": BPE of characters, U+2581 for spaces, <0xNN> for what is no token.
void complete_gemma4(const Checkpoint& checkpoint, TokenizerData& data);

/// "t5": SentencePiece's Unigram.
void complete_t5(const Checkpoint& checkpoint, TokenizerData& data);

}  // namespace lathe
