// The vocabularies and texts that tools/fetch_test_data.py brings.
#pragma once

#include <string>
#include <vector>

#include "text/tokenizer.h"

namespace lathe::test {

/// The names of the vocabularies that have texts with stored ids.
const std::vector<std::string>& vocabularies_with_texts();

/// ggml-vocab-NAME.gguf; loaded once.
const Tokenizer& vocabulary(const std::string& name);

struct Sample {
  std::string text;
  std::vector<TokenId> ids;  // without special tokens
};
/// From ggml-vocab-NAME.gguf.inp and .out. Throws std::runtime_error where the two do not fit.
std::vector<Sample> samples_of(const std::string& name);

/// Of this process.
double cpu_seconds();

}  // namespace lathe::test
