// Cases of convolution, pooling, resizing, images and signals. What comes out of a case is what the op's
// shape rule says.
#pragma once

#include "parity/rows.h"

namespace lathe::parity {

std::vector<Row> window_rows();

}  // namespace lathe::parity
