// Cases of ONNX's products, reductions, norms, quantization, attention and recurrence.
#pragma once

#include <vector>

#include "parity/rows.h"

namespace lathe::parity {

/// All rows of op_rows_product.cc.
std::vector<Row> product_rows();

}  // namespace lathe::parity
