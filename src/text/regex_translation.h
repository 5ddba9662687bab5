// Patterns in Oniguruma's dialect (Ruby's syntax, which the `tokenizers` package uses) to PCRE2's. What
// differs:
//   \s \w \d \p{..} follow Oniguruma's edition of Unicode, by lists of characters; \v, \R, [[:punct:]]
//   classes inside classes, and && between them
//   X{n,m}+ repeats X{n,m} and is not possessive; {,m}
// What is not translated exactly is refused.
#pragma once

#include <string>
#include <string_view>

namespace lathe {

/// Throws Error(unsupported) naming the pattern and the part that is not understood. `pattern` is UTF-8.
std::string translate_regex(std::string_view pattern);

}  // namespace lathe
