// Numbers as people write them, and what they are exactly.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lathe::apps {

struct Decimal {
  double value = 0;  // the nearest double
  bool exact = true;
};

/// "6.5", "-0", "1e-8", "inf", "-nan" with any number of digits; nothing for other text, and for what a
/// double would hold as infinity only.
std::optional<Decimal> parse_decimal(std::string_view text);

/// All digits that the number has, where those are at most `most_digits`; otherwise nothing.
std::optional<std::string> all_digits(double value, int most_digits);

/// Of a finite number: all digits or, where those are more, the first ones and "...".
std::string first_digits(double value, int digits);

/// all_digits() of up to 30, otherwise "about " and what reads back as the same double.
std::string exact_text(double value);
/// What reads back as the same double; inf, -inf and nan too.
std::string short_text(double value);

}  // namespace lathe::apps
