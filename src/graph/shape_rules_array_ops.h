// The shape rules of ONNX's ops on arrays of any type and rank, with sizes from inputs; by kind in
// shape_rules_array_ops_<kind>.cc.
#pragma once

#include <vector>

#include "graph/infer.h"

namespace lathe::array_rules {

using Types = std::vector<ValueType>;

// views: the same elements with other dimensions
Types shape(const RuleInputs& inputs, const Node& node);
Types size(const RuleInputs& inputs, const Node& node);
Types reshape(const RuleInputs& inputs, const Node& node);
Types squeeze(const RuleInputs& inputs, const Node& node);
Types unsqueeze(const RuleInputs& inputs, const Node& node);
Types flatten(const RuleInputs& inputs, const Node& node);

// moves: elements in another order, some of them, or some several times
Types concat(const RuleInputs& inputs, const Node& node);
Types split(const RuleInputs& inputs, const Node& node);
Types transpose(const RuleInputs& inputs, const Node& node);
Types slice(const RuleInputs& inputs, const Node& node);
Types expand(const RuleInputs& inputs, const Node& node);
Types tile(const RuleInputs& inputs, const Node& node);
Types pad(const RuleInputs& inputs, const Node& node);
Types center_crop_pad(const RuleInputs& inputs, const Node& node);
Types depth_to_space(const RuleInputs& inputs, const Node& node);
Types space_to_depth(const RuleInputs& inputs, const Node& node);
Types reverse_sequence(const RuleInputs& inputs, const Node& node);
Types trilu(const RuleInputs& inputs, const Node& node);

// filled: elements that no input has
Types constant_of_shape(const RuleInputs& inputs, const Node& node);
Types range(const RuleInputs& inputs, const Node& node);
Types sizes(const RuleInputs& inputs, const Node& node);
Types eye_like(const RuleInputs& inputs, const Node& node);
Types one_hot(const RuleInputs& inputs, const Node& node);

// indexed: places that an input names
Types gather(const RuleInputs& inputs, const Node& node);
Types gather_elements(const RuleInputs& inputs, const Node& node);
Types gather_nd(const RuleInputs& inputs, const Node& node);
Types scatter_elements(const RuleInputs& inputs, const Node& node);
Types scatter_nd(const RuleInputs& inputs, const Node& node);
Types tensor_scatter(const RuleInputs& inputs, const Node& node);

// ordered: what depends on which element is greater
Types arg_extreme(const RuleInputs& inputs, const Node& node);
Types top_k(const RuleInputs& inputs, const Node& node);
Types cumulative(const RuleInputs& inputs, const Node& node);
Types hardmax(const RuleInputs& inputs, const Node& node);

// selected: how many elements there are depends on inputs' elements
Types non_zero(const RuleInputs& inputs, const Node& node);
Types compress(const RuleInputs& inputs, const Node& node);
Types unique(const RuleInputs& inputs, const Node& node);
Types non_max_suppression(const RuleInputs& inputs, const Node& node);

/// The type where it is not certain that the dimensions are right: they are found again in each run.
inline ValueType uncertain(Dtype dtype, Dims dims) {
  if (dims.empty()) return ValueType::unranked(dtype);
  dims[0] = Dim::unknown();
  return {dtype, std::move(dims)};
}

/// What two dimensions are that must be equal, and may be.
inline Dim merged(const Dim& a, const Dim& b) { return a == b ? a : Dim::unknown(); }

}  // namespace lathe::array_rules
