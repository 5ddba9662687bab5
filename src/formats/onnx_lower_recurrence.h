// RNN, GRU and LSTM on their way into the graph: their functions by name become numbers.
#pragma once

#include <vector>

#include "formats/onnx_lower.h"

namespace lathe::onnx {

std::vector<ValueId> lower_recurrence(NodeImport& node);

}  // namespace lathe::onnx
