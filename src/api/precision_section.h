// What a plan file keeps of how the types of a network's layers were chosen; docs/plan-format.md has the
// layout.
#pragma once

#include <span>
#include <string>

#include "lathe/inspection.h"

namespace lathe {

std::string write_precision_section(const PrecisionInspection& precision);

/// Throws Error(invalid_file).
PrecisionInspection read_precision_section(std::span<const std::byte> bytes, const std::string& file);

}  // namespace lathe
