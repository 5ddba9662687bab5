// Shape rules of ops on codes (code_product.h, code_arithmetic.h).
#pragma once

#include <vector>

#include "graph/rule_check.h"

namespace lathe::rules {

/// x [N, C, spatial...], weight [M, C / group, kernel...] -> y [N, M, spatial...]
std::vector<ValueType> conv_codes(const RuleInputs& inputs, const Node& node);
/// x [..., K], weight [N, K] -> y [..., N]
std::vector<ValueType> linear_codes(const RuleInputs& inputs, const Node& node);
/// x of any shape, table [256] -> y, of x's shape and the table's type
std::vector<ValueType> map_codes(const RuleInputs& inputs, const Node& node);
/// AddCodes, SubCodes and MulCodes: a and b broadcast.
std::vector<ValueType> code_arithmetic(const RuleInputs& inputs, const Node& node);

}  // namespace lathe::rules
