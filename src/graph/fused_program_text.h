// The text of fused programs (fused_program.h).
#pragma once

#include <string>
#include <string_view>

#include "graph/fused_program.h"

namespace lathe {

/// Throws Error(invalid_argument) naming the character where `text` is no program, and for one that needs
/// more than the limits of fused_program.h.
FusedProgram parse_fused_program(std::string_view text);

/// Text that reads back to the same program.
std::string print_fused_program(const FusedProgram& program);

}  // namespace lathe
