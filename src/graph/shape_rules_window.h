// Shape rules of convolution, pooling and normalization by channels.
#pragma once

#include <vector>

#include "graph/rule_check.h"

namespace lathe::rules {

std::vector<ValueType> conv(const RuleInputs& inputs, const Node& node);
std::vector<ValueType> max_pool(const RuleInputs& inputs, const Node& node);
std::vector<ValueType> average_pool(const RuleInputs& inputs, const Node& node);
std::vector<ValueType> lp_pool(const RuleInputs& inputs, const Node& node);
std::vector<ValueType> global_pool(const RuleInputs& inputs, const Node& node);
std::vector<ValueType> global_lp_pool(const RuleInputs& inputs, const Node& node);
std::vector<ValueType> batch_normalization(const RuleInputs& inputs, const Node& node);
std::vector<ValueType> batch_normalization_training(const RuleInputs& inputs, const Node& node);
std::vector<ValueType> instance_normalization(const RuleInputs& inputs, const Node& node);
std::vector<ValueType> group_normalization(const RuleInputs& inputs, const Node& node);
std::vector<ValueType> local_response_normalization(const RuleInputs& inputs, const Node& node);

}  // namespace lathe::rules
