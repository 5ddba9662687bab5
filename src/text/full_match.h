// Regular expressions in the syntax of RE2, for networks' RegexFullMatch: in time linear in the text, for any
// pattern.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace lathe {

class FullMatch {
 public:
  /// Throws Error(invalid_argument) saying what is wrong with the pattern.
  explicit FullMatch(const std::string& pattern);
  ~FullMatch();
  FullMatch(const FullMatch&) = delete;
  FullMatch& operator=(const FullMatch&) = delete;

  /// Whether the pattern matches all of the text.
  bool matches(std::string_view text) const;

 private:
  struct Code;
  std::unique_ptr<const Code> code_;
};

}  // namespace lathe
