// What the parts of lathe/quantization.h share about number formats.
#pragma once

#include <string>

#include "lathe/quantization.h"
#include "quant/number_format.h"

namespace lathe {

NumberLayout layout_of(const NumberFormat& format);

/// Throws Error(invalid_argument) that lists the names.
const NumberFormat& number_format_named(const std::string& name);

}  // namespace lathe
