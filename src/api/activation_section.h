// What a plan file keeps of how the inputs of its products get their codes; docs/plan-format.md has the
// layout.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "lathe/inspection.h"

namespace lathe {

std::string write_activation_section(const std::vector<ActivationInspection>& inputs);

/// Throws Error(invalid_file).
std::vector<ActivationInspection> read_activation_section(std::span<const std::byte> bytes,
                                                          const std::string& file);

}  // namespace lathe
