// Cases of ONNX's ops on arrays, of elements of every size.
#pragma once

#include <vector>

#include "parity/rows.h"

namespace lathe::parity {

/// All rows of op_rows_array.cc that have kernels.
std::vector<Row> array_op_rows();

}  // namespace lathe::parity
