#include "text/pattern.h"

#include "base/error.h"
#include "text/regex.h"

namespace lathe {
namespace {

void find_literal(std::string_view text, std::string_view literal, std::vector<TextRange>& pieces) {
  std::size_t done = 0;
  for (std::size_t at = text.find(literal); at != std::string_view::npos; at = text.find(literal, done)) {
    if (at > done) pieces.push_back({at, false});
    done = at + literal.size();
    pieces.push_back({done, true});
  }
  if (done < text.size()) pieces.push_back({text.size(), false});
}

}  // namespace

Pattern::Pattern(const TextPattern& pattern) {
  if (pattern.text.empty()) throw Error(ErrorCode::unsupported, "an empty pattern");
  if (!pattern.regex) {
    literal_ = pattern.text;
  } else if ((splitter_ = find_splitter(pattern.text)) == nullptr) {
    regex_ = std::make_unique<const Regex>(pattern.text);
  }
}

Pattern::~Pattern() = default;
Pattern::Pattern(Pattern&&) noexcept = default;
Pattern& Pattern::operator=(Pattern&&) noexcept = default;

void Pattern::find(std::string_view text, std::vector<TextRange>& pieces) const {
  if (regex_) {
    regex_->find(text, pieces);
  } else if (splitter_ != nullptr) {
    splitter_(text, pieces);
  } else {
    find_literal(text, literal_, pieces);
  }
}

std::string Pattern::replace(std::string_view text, std::string_view content) const {
  std::vector<TextRange> pieces;
  find(text, pieces);
  std::string out;
  std::size_t begin = 0;
  for (const TextRange& piece : pieces) {
    out += piece.match ? content : text.substr(begin, piece.end - begin);
    begin = piece.end;
  }
  return out;
}

}  // namespace lathe
