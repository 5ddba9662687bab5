// Cases of products of codes.
#pragma once

#include "parity/rows.h"

namespace lathe::parity {

/// All rows of op_rows_codes.cc.
std::vector<Row> code_rows();

}  // namespace lathe::parity
