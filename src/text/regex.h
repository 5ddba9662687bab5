// Regular expressions in the dialect of Oniguruma, for patterns that have no scanner by hand: translated to
// PCRE2's (regex_translation.h), compiled by its JIT, and run within limits.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "text/pre_tokenizer.h"

namespace lathe {

class Regex {
 public:
  /// Throws Error(unsupported) naming what of the pattern is not understood.
  explicit Regex(const std::string& pattern);
  ~Regex();
  Regex(const Regex&) = delete;
  Regex& operator=(const Regex&) = delete;

  /// As Pattern::find, but a match may be empty. Throws Error(resource_limit) where a limit is met.
  void find(std::string_view text, std::vector<TextRange>& pieces) const;

 private:
  struct Code;
  std::string pattern_;
  std::unique_ptr<const Code> code_;
};

}  // namespace lathe
