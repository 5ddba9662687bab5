#include "text/regex.h"

#include "base/error.h"

namespace lathe {

Regex::Regex(const std::string& pattern) {
  throw Error(ErrorCode::unsupported, "the pattern '" + printable(pattern) + "' is not known");
}

void Regex::find(std::string_view text, std::vector<Piece>& pieces) const {
  if (!text.empty()) pieces.push_back({text.size(), false});
}

}  // namespace lathe
