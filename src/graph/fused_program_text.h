// The text of fused programs (fused_program.h).
#pragma once

#include <string>
#include <string_view>

#include "graph/fused_program.h"
#include "graph/type.h"

namespace lathe {

/// Throws Error(invalid_argument) naming the character where `text` is no program, and for one that needs
/// more than the limits of fused_program.h.
FusedProgram parse_fused_program(std::string_view text);

/// Text that reads back to the same program.
std::string print_fused_program(const FusedProgram& program);

/// "add"; of store nothing.
std::string_view fused_function_name(FusedFunction function);

/// How many numbers follow its operands.
int fused_function_constants(FusedFunction function);

/// Whether a program over `rows` can read such an operand: it has the shape of `rows`, or is one row of it,
/// or one number, in either case behind any ones.
bool fits_rows(const Dims& rows, const Dims& operand);

}  // namespace lathe
