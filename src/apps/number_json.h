// The results of lathe number as JSON. Numbers that are not finite are null; their kind says what they are.
#pragma once

#include <string>
#include <vector>

#include "lathe/quantization.h"

namespace lathe::apps {

std::string stored_json(const StoredNumber& number);
std::string stored_json(const std::vector<StoredNumber>& numbers);
std::string code_json(const StoredCode& code);
std::string code_json(const std::vector<StoredCode>& codes);
std::string quantized_json(const QuantizedValues& values);

}  // namespace lathe::apps
