// The shape rules of the op table's rows, a function each; by family in shape_rules_<family>.cc.
#pragma once

#include <span>
#include <vector>

#include "graph/type.h"

namespace lathe {

struct Node;

namespace shape_rules {

using Types = std::vector<ValueType>;
using Inputs = std::span<const ValueType>;

// matmul
Types linear(Inputs inputs, const Node& node);
Types quantize_activation(Inputs inputs, const Node& node);
Types ranged_quantize_activation(Inputs inputs, const Node& node);
Types round_activation(Inputs inputs, const Node& node);
Types quantized_linear(Inputs inputs, const Node& node);

// experts
Types select_experts(Inputs inputs, const Node& node);
Types expert_linear(Inputs inputs, const Node& node);
Types quantized_expert_linear(Inputs inputs, const Node& node);
Types expert_sum(Inputs inputs, const Node& node);

// attention
Types split_heads(Inputs inputs, const Node& node);
Types merge_heads(Inputs inputs, const Node& node);
Types rotary_table(Inputs inputs, const Node& node);
Types rotary_embedding(Inputs inputs, const Node& node);
Types kv_write(Inputs inputs, const Node& node);
Types rotary_kv_write(Inputs inputs, const Node& node);
Types kv_scratch(Inputs inputs, const Node& node);
Types paged_attention(Inputs inputs, const Node& node);

// rows and elements
Types gather(Inputs inputs, const Node& node);
Types rms_normalization(Inputs inputs, const Node& node);
Types activation_function(Inputs inputs, const Node& node);
Types gelu(Inputs inputs, const Node& node);
Types arg_max(Inputs inputs, const Node& node);
Types top_k(Inputs inputs, const Node& node);
Types log_sum_exp(Inputs inputs, const Node& node);

// normalization and means
Types layer_normalization(Inputs inputs, const Node& node);
Types lp_normalization(Inputs inputs, const Node& node);
Types sequence_mean(Inputs inputs, const Node& node);

// fused
Types fused_linear(Inputs inputs, const Node& node);
Types row_program(Inputs inputs, const Node& node);

// arrays of any rank
Types binary(Inputs inputs, const Node& node);
Types identity(Inputs inputs, const Node& node);
Types where(Inputs inputs, const Node& node);
Types clip(Inputs inputs, const Node& node);
Types expand(Inputs inputs, const Node& node);
Types reshape(Inputs inputs, const Node& node);
Types transpose(Inputs inputs, const Node& node);
Types softmax(Inputs inputs, const Node& node);
Types softmax_top_k(Inputs inputs, const Node& node);
Types reduce(Inputs inputs, const Node& node);

// products of arrays
Types mat_mul(Inputs inputs, const Node& node);
Types attention(Inputs inputs, const Node& node);

}  // namespace shape_rules
}  // namespace lathe
