// Cases of ops that work element by element, of every type that they take.
#pragma once

#include <vector>

#include "parity/rows.h"

namespace lathe::parity {

/// All rows of op_rows_element.cc.
std::vector<Row> element_rows();

}  // namespace lathe::parity
