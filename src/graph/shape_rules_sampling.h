// Shape rules of what samples images between their pixels, and of signals.
#pragma once

#include <vector>

#include "graph/rule_check.h"

namespace lathe::rules {

std::vector<ValueType> resize(const RuleInputs& inputs, const Node& node);
std::vector<ValueType> grid_sample(const RuleInputs& inputs, const Node& node);
std::vector<ValueType> affine_grid(const RuleInputs& inputs, const Node& node);
std::vector<ValueType> roi_align(const RuleInputs& inputs, const Node& node);
std::vector<ValueType> image_decoder(const RuleInputs& inputs, const Node& node);
std::vector<ValueType> causal_conv(const RuleInputs& inputs, const Node& node);        // CausalConvWithState
std::vector<ValueType> fourier_transform(const RuleInputs& inputs, const Node& node);  // DFT
std::vector<ValueType> short_time_fourier_transform(const RuleInputs& inputs, const Node& node);  // STFT
std::vector<ValueType> signal_window(const RuleInputs& inputs, const Node& node);
std::vector<ValueType> mel_weight_matrix(const RuleInputs& inputs, const Node& node);

}  // namespace lathe::rules
