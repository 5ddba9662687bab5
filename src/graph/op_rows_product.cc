// Products, reductions, norms, quantization, attention and recurrence. Attributes stand in the order in which
// kernels get them.
#include "graph/op_rows.h"

namespace lathe::op_rows {

std::vector<Op> product_rows() { return {}; }

}  // namespace lathe::op_rows
