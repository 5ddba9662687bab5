// Ops of com.microsoft that are more than a few nodes.
#pragma once

#include "formats/onnx_lower.h"

namespace lathe::onnx {

// onnx_lower_microsoft_attention.cc
std::vector<ValueId> lower_grouped_attention(NodeImport& node);
std::vector<ValueId> lower_multi_head_attention(NodeImport& node);

// onnx_lower_microsoft_codes.cc
std::vector<ValueId> lower_gather_codes(NodeImport& node);
std::vector<ValueId> lower_product_by_codes(NodeImport& node);
std::vector<ValueId> lower_quantized_experts(NodeImport& node);

}  // namespace lathe::onnx
