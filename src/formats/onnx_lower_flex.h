// FlexAttention, whose graphs stand in the network where it is computed.
#pragma once

#include <functional>
#include <string_view>

#include "formats/onnx_lower.h"

namespace lathe::onnx {

/// The nodes of the graph that is the attribute, its one input a value: its one output.
using PlaceGraph = std::function<ValueId(std::string_view attribute, ValueId input)>;

ValueId lower_flex_attention(NodeImport& node, const PlaceGraph& place);

}  // namespace lathe::onnx
