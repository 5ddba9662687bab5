#include "text/pre_tokenizer.h"

#include <array>
#include <utility>

namespace lathe {
namespace {

// GGUF names a pre-tokenizer after the first model that had it, so several names have one rule.
constexpr std::array kPreTokenizers = {
    std::pair<std::string_view, PreTokenizer>{"smollm", pre_tokenize_gpt2_digits},
    std::pair<std::string_view, PreTokenizer>{"starcoder", pre_tokenize_gpt2_digits},
    std::pair<std::string_view, PreTokenizer>{"refact", pre_tokenize_gpt2_digits},
    std::pair<std::string_view, PreTokenizer>{"codeshell", pre_tokenize_gpt2_digits},
    std::pair<std::string_view, PreTokenizer>{"gpt-2", pre_tokenize_gpt2},
    std::pair<std::string_view, PreTokenizer>{"phi-2", pre_tokenize_gpt2},
    std::pair<std::string_view, PreTokenizer>{"mpt", pre_tokenize_gpt2},
    std::pair<std::string_view, PreTokenizer>{"olmo", pre_tokenize_gpt2},
};

}  // namespace

PreTokenizer find_pre_tokenizer(std::string_view name) {
  for (const auto& [known, function] : kPreTokenizers) {
    if (known == name) return function;
  }
  return nullptr;
}

}  // namespace lathe
