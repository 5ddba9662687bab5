#include "text/full_match.h"

#include <re2/re2.h>

#include "base/error.h"

namespace lathe {
namespace {

constexpr std::int64_t kMostBytes = 64 << 20;  // of the automata of one pattern

RE2::Options options() {
  RE2::Options result;
  result.set_log_errors(false);
  result.set_max_mem(kMostBytes);
  result.set_never_capture(true);
  return result;
}

}  // namespace

struct FullMatch::Code {
  RE2 regex;
};

FullMatch::FullMatch(const std::string& pattern) : code_(new Code{RE2(pattern, options())}) {
  if (!code_->regex.ok())
    throw Error(ErrorCode::invalid_argument, "the pattern '" + printable(pattern) +
                                                 "' cannot be compiled: " + printable(code_->regex.error()));
}

FullMatch::~FullMatch() = default;

bool FullMatch::matches(std::string_view text) const {
  return RE2::FullMatch(re2::StringPiece(text.data(), text.size()), code_->regex);
}

}  // namespace lathe
