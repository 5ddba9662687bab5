// Shapes, and moving elements of any type. Attributes stand in the order in which kernels get them.
#include "graph/op_rows.h"

namespace lathe::op_rows {

std::vector<Op> array_rows() { return {}; }

}  // namespace lathe::op_rows
