// Shape rules of what is built like convolution: with an epilogue, over integers, transposed, deformed, and
// its windows put back.
#pragma once

#include <vector>

#include "graph/rule_check.h"

namespace lathe::rules {

std::vector<ValueType> conv_integer(const RuleInputs& inputs, const Node& node);
std::vector<ValueType> linear_conv(const RuleInputs& inputs, const Node& node);  // QLinearConv
std::vector<ValueType> conv_transpose(const RuleInputs& inputs, const Node& node);
std::vector<ValueType> fused_conv(const RuleInputs& inputs, const Node& node);  // Conv with an epilogue
std::vector<ValueType> conv_pool(const RuleInputs& inputs, const Node& node);   // and then pooling
std::vector<ValueType> winograd_conv(const RuleInputs& inputs, const Node& node);
std::vector<ValueType> deform_conv(const RuleInputs& inputs, const Node& node);
std::vector<ValueType> col2im(const RuleInputs& inputs, const Node& node);
std::vector<ValueType> max_unpool(const RuleInputs& inputs, const Node& node);

}  // namespace lathe::rules
