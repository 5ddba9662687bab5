// Shape rules of ONNX's products, reductions, norms, quantization, attention and recurrence.
#pragma once

#include <optional>
#include <vector>

#include "graph/infer.h"

namespace lathe::shape_rules {

using ProductTypes = std::vector<ValueType>;

ProductTypes reduce_any(const RuleInputs& inputs, const Node& node);
ProductTypes mat_mul_any(const RuleInputs& inputs, const Node& node);
ProductTypes gemm(const RuleInputs& inputs, const Node& node);
ProductTypes softmax_any(const RuleInputs& inputs, const Node& node);
ProductTypes layer_normalization_any(const RuleInputs& inputs, const Node& node);
ProductTypes rms_normalization_any(const RuleInputs& inputs, const Node& node);
ProductTypes lp_normalization_any(const RuleInputs& inputs, const Node& node);
ProductTypes mean_variance_normalization(const RuleInputs& inputs, const Node& node);
ProductTypes attention_any(const RuleInputs& inputs, const Node& node);
ProductTypes rotary_embedding_any(const RuleInputs& inputs, const Node& node);
ProductTypes negative_log_likelihood_loss(const RuleInputs& inputs, const Node& node);
ProductTypes softmax_cross_entropy_loss(const RuleInputs& inputs, const Node& node);
ProductTypes linear_attention(const RuleInputs& inputs, const Node& node);
ProductTypes quantize_linear(const RuleInputs& inputs, const Node& node);
ProductTypes dequantize_linear(const RuleInputs& inputs, const Node& node);
ProductTypes dynamic_quantize_linear(const RuleInputs& inputs, const Node& node);
ProductTypes q_linear_mat_mul(const RuleInputs& inputs, const Node& node);
ProductTypes mat_mul_integer(const RuleInputs& inputs, const Node& node);
ProductTypes recurrence(const RuleInputs& inputs, const Node& node);
ProductTypes einsum(const RuleInputs& inputs, const Node& node);
ProductTypes det(const RuleInputs& inputs, const Node& node);

/// Where both are known, or may be, the dimensions that the two broadcast to; empty where they cannot.
std::optional<Dims> broadcast_any(const Dims& a, const Dims& b);

}  // namespace lathe::shape_rules
