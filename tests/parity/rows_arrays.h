// Cases of ONNX's ops on arrays of any rank.
#pragma once

#include <string_view>
#include <vector>

#include "parity/harness.h"

namespace lathe::parity {

/// One element in, one out; `low` bounds what the function is asked about (0 for Log and Sqrt).
std::vector<Case> element_cases(std::string_view op, float low = -4);
std::vector<Case> clip_cases();
std::vector<Case> identity_cases();
/// Every way to broadcast two arrays.
std::vector<Case> broadcast_cases(std::string_view op);
std::vector<Case> where_cases();
std::vector<Case> expand_cases();
std::vector<Case> transpose_cases();
std::vector<Case> softmax_cases(std::string_view op);
std::vector<Case> softmax_top_k_cases();
std::vector<Case> reduce_cases(std::string_view op);
std::vector<Case> mat_mul_cases();
std::vector<Case> attention_cases();

}  // namespace lathe::parity
