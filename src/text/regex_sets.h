// Sets of characters as members of a class of PCRE2, for regex_translation.cc.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lathe {

/// "\x{41}"
std::string regex_rune(char32_t rune);

/// Members that stand for s, w or d; for S, W and D all other characters. `in_class`: the shorthand is a
/// member itself, which makes a difference to \w.
std::string regex_shorthand(char letter, bool in_class);

/// Members of \p{name}, or of \P{name}; nothing for a name that is not known.
std::optional<std::string> regex_property(std::string_view name, bool negated);

/// Members of [:name:]; nothing for a name that is not known.
std::optional<std::string> regex_posix(std::string_view name);

}  // namespace lathe
