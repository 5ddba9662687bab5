// Tables of lathe number: one number in all formats, several numbers, and lists as codes with factors.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "lathe/quantization.h"

namespace lathe::apps {

/// A row each; `by_format`: the first column is the format, otherwise the number.
std::string stored_table(const std::vector<StoredNumber>& numbers, bool by_format);
std::string code_table(const std::vector<StoredCode>& codes);
/// `given`: how many values there were before they were repeated.
std::string quantized_text(const QuantizedValues& values, std::size_t given);

}  // namespace lathe::apps
