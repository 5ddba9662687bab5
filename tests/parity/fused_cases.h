// Programs of rows and cases of them, for the tests of RowProgram.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "parity/harness.h"

namespace lathe::parity {

/// A program and its inputs: 'f' like x0, 'r' one row of it, 's' one number.
struct RowProgramShape {
  const char* program;
  std::string_view inputs;
};

/// Where nothing is quantized, and where something is: its columns then fill blocks of 32.
const std::vector<RowProgramShape>& float_programs();
const std::vector<RowProgramShape>& quantizing_programs();

Case row_program_case(Random& random, const RowProgramShape& shape, const Shape& dims, int alias = -1,
                      float deviation = 1);

}  // namespace lathe::parity
