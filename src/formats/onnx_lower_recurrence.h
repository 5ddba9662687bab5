// RNN, GRU and LSTM on their way into the graph: their functions by name become numbers.
#pragma once

#include <vector>

#include "formats/onnx_lower.h"

namespace lathe::onnx {

std::vector<ValueId> lower_recurrence(NodeImport& node);
/// `op`, with the node's attributes.
std::vector<ValueId> add_recurrence(NodeImport& node, std::string_view op, std::vector<ValueId> inputs);

}  // namespace lathe::onnx
