// Reads GGUF version 2 and 3 (gguf.cc draws the bytes).
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "formats/checkpoint.h"
#include "text/tokenizer_data.h"

namespace lathe {

struct GgufOptions {
  bool strict = false;       // refuse bytes behind the last tensor
  bool scan_factors = true;  // refuse NaN and infinite block factors and float weights
};

/// Maps and checks the file; throws Error(not_found, io, invalid_file, unsupported).
std::shared_ptr<const Checkpoint> read_gguf(const std::string& path, const GgufOptions& options = {});

/// tokenizer.ggml.model of a file that takes and gives ids alone.
inline constexpr std::string_view kNoVocabulary = "no_vocab";

/// The tokenizer stored in the metadata; throws Error(invalid_model, unsupported) naming the key.
TokenizerData gguf_tokenizer(const Checkpoint& checkpoint);

}  // namespace lathe
