// Ops of com.microsoft that are more than a few nodes.
#pragma once

#include <initializer_list>

#include "formats/onnx_lower.h"

namespace lathe::onnx {

// onnx_lower_microsoft_attention.cc
std::vector<ValueId> lower_grouped_attention(NodeImport& node);
ValueId one_integer(NodeImport& node, std::int64_t value);  // i64 [1]
ValueId cast(NodeImport& node, ValueId x, Dtype dtype);
ValueId reshaped(NodeImport& node, ValueId x, std::initializer_list<std::int64_t> shape);
ValueId sum(NodeImport& node, ValueId a, ValueId b);
/// [B, S, heads * d] as [B, heads, S, d].
ValueId by_heads(NodeImport& node, ValueId x, std::int64_t heads);
/// The same back.
ValueId merged_heads(NodeImport& node, ValueId x);

// onnx_lower_microsoft_multi_head.cc
std::vector<ValueId> lower_multi_head_attention(NodeImport& node);

// onnx_lower_microsoft_quantized.cc
std::span<const Lowering> quantized_lowerings();

// onnx_lower_microsoft_codes.cc
std::vector<ValueId> lower_gather_codes(NodeImport& node);
std::vector<ValueId> lower_product_by_codes(NodeImport& node);
std::vector<ValueId> lower_quantized_experts(NodeImport& node);

// onnx_lower_microsoft_recurrence.cc
std::vector<ValueId> lower_dynamic_quantize_lstm(NodeImport& node);

}  // namespace lathe::onnx
