// A text as sequences of tokens of one length, as models are measured and calibrated on them.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace lathe {

/// The text's ids, BOS included where the model wants it, cut every `context` tokens; what is left over at
/// the end is dropped. Where the model wants BOS, the first token of every chunk is replaced by it: so
/// llama-perplexity and llama-imatrix cut texts, too. At most `most` chunks (0: all). `purpose` is for the
/// message: "the calibration text". Throws Error(invalid_argument) where there is not one chunk, with the
/// tokens that there are and that are needed.
std::vector<std::vector<TokenId>> text_chunks(const Tokenizer& tokenizer, std::string_view text, int context,
                                              int most, const std::string& purpose);

/// The same of ids; `first`: those that stand before every text.
std::vector<std::vector<TokenId>> id_chunks(std::span<const TokenId> ids, std::span<const TokenId> first,
                                            int context, int most, const std::string& purpose);

}  // namespace lathe
