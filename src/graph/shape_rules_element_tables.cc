// Shape rules of ops that look elements up.
#include "graph/rule_check.h"
#include "graph/shape_rules_element.h"

namespace lathe::element_rules {

Types array_feature_extractor(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"x", "indices"});
  require_kinds(inputs, node, 0, Kinds::any);
  check.require_dtype(1, {Dtype::i64});
  if (!check.ranked(0)) return {ValueType::unranked(check.dtype(0))};
  check.require_rank(0, 1, kMaxDims);
  Dims dims = check.dims(0);
  if (dims.size() == 1) dims.insert(dims.begin(), Dim(1));  // a vector counts as a row
  const Dims* indices = check.ranked(1) ? &check.dims(1) : nullptr;
  dims.back() = indices == nullptr ? Dim::unknown() : product_of(*indices, 0, indices->size());
  return {{check.dtype(0), std::move(dims)}};
}

Types label_encoder(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"x", "keys", "values", "default"});
  check.require_dtype(0, {Dtype::f32, Dtype::f64, Dtype::i64, Dtype::i32, Dtype::i16, Dtype::string});
  check.require_same_dtype(1, 0);
  require_kinds(inputs, node, 2, Kinds::any);
  check.require_same_dtype(3, 2);
  const auto keys = check.length(1);
  const auto values = check.length(2);
  if (!keys || !values || keys != values) check.fail_input(2, "must be as many as the keys");
  if (check.length(3) != 1) check.fail_input(3, "must have one element");
  ValueType type = check.type(0);
  type.dtype = check.dtype(2);
  return {type};
}

}  // namespace lathe::element_rules
