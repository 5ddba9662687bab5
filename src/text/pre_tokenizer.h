// Cuts text into the words that byte-level BPE merges inside of. One file per family of rules.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace lathe {

/// Appends the end of every word of `text`, which is whole characters, in ascending order; the last is
/// text.size().
using PreTokenizer = void (*)(std::string_view text, std::vector<std::size_t>& ends);

/// By its name in GGUF; nullptr for one that is not known.
PreTokenizer find_pre_tokenizer(std::string_view name);

/// GPT-2:  's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
void pre_tokenize_gpt2(std::string_view text, std::vector<std::size_t>& ends);

/// Every \p{N} alone, then GPT-2 on what lies between.
void pre_tokenize_gpt2_digits(std::string_view text, std::vector<std::size_t>& ends);

}  // namespace lathe
