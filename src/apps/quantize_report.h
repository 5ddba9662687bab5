// What lathe quantize says of its work.
#pragma once

#include <cstdint>
#include <string>

#include "lathe/quantization.h"

namespace lathe::apps {

std::string progress_bar(const std::string& work, double share);

/// One line for each tensor that changed, one for those that did not, and the sum.
std::string quantization_table(const Quantization& result);
/// {"bytes": file, "bits_per_weight": ..., "tensors": [{"name": ...}], "warnings": [...]}
std::string quantization_json(const Quantization& result);

}  // namespace lathe::apps
