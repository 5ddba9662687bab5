// One number in one format as the text of lathe number.
#pragma once

#include <string>

#include "lathe/quantization.h"

namespace lathe::apps {

/// "0 10001 1010000000"
std::string fields_text(const NumberLayout& layout, std::uint32_t bits);
/// "0x4680", with the digits that the format's bits need.
std::string hex_text(const NumberLayout& layout, std::uint32_t bits);
/// "0.0244 %" of the number; empty without one.
std::string difference_text(double value, double number);

/// From the number to its bits. `note` is a line on how the number was read.
std::string steps_text(const StoredNumber& number, const std::string& given, const std::string& note);
/// From bits to their number.
std::string reading_text(const StoredNumber& number);
/// A code with its scale and zero point.
std::string code_text(const StoredCode& code, const std::string& given, const std::string& note);

}  // namespace lathe::apps
