// Convolution, pooling, resizing, images and signals. Attributes stand in the order in which kernels get
// them.
#include "graph/op_rows.h"

namespace lathe::op_rows {

std::vector<Op> window_rows() { return {}; }

}  // namespace lathe::op_rows
