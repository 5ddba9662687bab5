// Searches text for a TextPattern.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "text/pre_tokenizer.h"
#include "text/tokenizer_pipeline.h"

namespace lathe {

class Regex;

class Pattern {
 public:
  /// Throws Error(unsupported) for an expression that is not understood, or for empty text.
  explicit Pattern(const TextPattern& pattern);
  ~Pattern();
  Pattern(Pattern&&) noexcept;
  Pattern& operator=(Pattern&&) noexcept;

  /// Appends the pieces of `text`, matches and what lies between them; the last ends at text.size(). Throws
  /// Error(resource_limit) where an expression takes too much.
  void find(std::string_view text, std::vector<TextRange>& pieces) const;

  std::string replace(std::string_view text, std::string_view content) const;

 private:
  std::string literal_;          // where the two below are not set
  Splitter splitter_ = nullptr;  // a scanner by hand
  std::unique_ptr<const Regex> regex_;
};

}  // namespace lathe
