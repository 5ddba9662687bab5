// Regular expressions in the dialect of Oniguruma, for patterns without a scanner by hand.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "text/pre_tokenizer.h"

namespace lathe {

class Regex {
 public:
  /// Throws Error(unsupported).
  explicit Regex(const std::string& pattern);
  /// As Pattern::find; a match may be empty.
  void find(std::string_view text, std::vector<Piece>& pieces) const;
};

}  // namespace lathe
