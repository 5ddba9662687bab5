// Cuts normalized text into the words inside of which a model works: the pre-tokenizers of a tokenizer.json,
// in order, each of which cuts the words that the one before it left.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "text/word_model.h"

namespace lathe {

struct Words {
  std::string text;
  std::vector<Word> words;  // of text, ascending, none empty
};

class WordSplitter {
 public:
  /// Throws Error(unsupported) for a pattern that cannot be read.
  explicit WordSplitter(const std::vector<split::Step>& steps);

  /// Throws Error(resource_limit) where a pattern takes too much, or the text grows over 2^31 - 1 bytes.
  void apply(Words& words) const;

 private:
  std::vector<std::function<void(Words&)>> steps_;
};

}  // namespace lathe
