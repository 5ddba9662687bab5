#include "graph/shape_rules_window.h"

#include <limits>
#include <string>

#include "graph/window_check.h"

namespace lathe::rules {
namespace {

constexpr std::initializer_list<Dtype> kFloats = {Dtype::f32, Dtype::f64, Dtype::f16, Dtype::bf16};
constexpr std::size_t kLeastRank = 3;

/// A bias of one number for each row of the weights.
void require_rows(const RuleCheck& check, std::size_t input, std::size_t weight) {
  if (!check.has(input)) return;
  check.require_rank(input, 1);
  if (check.ranked(weight)) check.require_equal(input, 0, check.dims(weight)[0], "the weights' rows");
}

/// x with its spatial axes pooled.
ValueType pooled(const RuleCheck& check, const Node& node) {
  check.require_rank(0, kLeastRank, kMaxDims);
  const std::int64_t ceil_mode = check.integer("ceil_mode", 0, 1);
  const WindowNumbers kernel = window_numbers(node.text("kernel_shape").c_str());
  if (kernel.count < 1 || kernel.count > kMaxWindowAxes)
    check.fail("kernel_shape must be 1 to 6 whole numbers of at most 2^31");
  const auto axes = static_cast<std::size_t>(kernel.count);
  for (int i = 0; i < kernel.count; ++i)
    if (kernel.values[i] < 1) check.fail("kernel_shape must be at least 1");
  const WindowCheck window(check, node, axes);
  check.require_rank(0, axes + 2);
  const Dims input = check.ranked(0) ? check.dims(0) : unknown_dims(axes + 2);
  ValueType type{check.dtype(0), {input[0], input[1]}};
  for (std::size_t i = 0; i < axes; ++i)
    type.dims.push_back(window.output(i, input[2 + i], kernel.values[i], ceil_mode != 0));
  return type;
}

/// Inputs [first, end) have one number for each channel of x.
void require_channels(const RuleCheck& check, std::size_t first, std::size_t end) {
  for (std::size_t i = first; i < end; ++i) {
    check.require_dtype(i, kFloats);
    check.require_rank(i, 1);
    if (check.ranked(0)) check.require_equal(i, 0, check.dims(0).at(1), "the channels of x");
  }
}

}  // namespace

std::vector<ValueType> conv(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"x", "weight", "bias"});
  check.require_dtype(0, kFloats);
  const bool is_rounded = check.dtype(0) == Dtype::f32 && check.dtype(1) == Dtype::bf16;
  if (!is_rounded) check.require_same_dtype(1, 0);
  if (check.has(2)) check.require_same_dtype(2, 0);
  require_rows(check, 2, 1);
  return {convolved(check, node, 0, 1, check.dtype(0))};
}

std::vector<ValueType> max_pool(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"x"});
  check.require_dtype(0, {Dtype::f32, Dtype::f64, Dtype::f16, Dtype::bf16, Dtype::i8, Dtype::u8});
  check.integer("storage_order", 0, 1);
  std::vector<ValueType> types = {pooled(check, node)};
  if (check.integer("outputs", 1, 2) == 2) types.push_back({Dtype::i64, types[0].dims});
  return types;
}

std::vector<ValueType> average_pool(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"x"});
  check.require_dtype(0, kFloats);
  check.integer("count_include_pad", 0, 1);
  return {pooled(check, node)};
}

std::vector<ValueType> lp_pool(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"x"});
  check.require_dtype(0, kFloats);
  check.integer("p", 1, std::numeric_limits<std::int32_t>::max());
  return {pooled(check, node)};
}

std::vector<ValueType> global_pool(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"x"});
  check.require_dtype(0, kFloats);
  check.require_rank(0, 2, kMaxDims);
  if (!check.ranked(0)) return {ValueType::unranked(check.dtype(0))};
  ValueType type{check.dtype(0), check.dims(0)};
  for (std::size_t i = 2; i < type.dims.size(); ++i) type.dims[i] = 1;
  return {type};
}

std::vector<ValueType> global_lp_pool(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"x"});
  check.integer("p", 1, std::numeric_limits<std::int32_t>::max());
  return global_pool(inputs, node);
}

std::vector<ValueType> batch_normalization(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"x", "scale", "bias", "mean", "variance"});
  check.require_dtype(0, kFloats);
  check.require_rank(0, 2, kMaxDims);
  require_channels(check, 1, 5);
  check.require_same_dtype(2, 1);
  check.require_same_dtype(4, 3);
  return {check.type(0)};
}

std::vector<ValueType> batch_normalization_training(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"x", "scale", "bias", "mean", "variance"});
  auto types = batch_normalization(inputs, node);
  const Dims channels = {check.ranked(0) ? check.dims(0)[1] : Dim::unknown()};
  types.push_back({check.dtype(3), channels});
  types.push_back({check.dtype(4), channels});
  return types;
}

std::vector<ValueType> instance_normalization(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"x", "scale", "bias"});
  check.require_dtype(0, kFloats);
  check.require_rank(0, kLeastRank, kMaxDims);
  require_channels(check, 1, 3);
  check.require_same_dtype(1, 0);
  check.require_same_dtype(2, 0);
  return {check.type(0)};
}

std::vector<ValueType> group_normalization(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"x", "scale", "bias"});
  check.require_dtype(0, kFloats);
  check.require_rank(0, 2, kMaxDims);
  const std::int64_t groups = check.integer("num_groups", 1, kMaxWindowNumber);
  if (check.ranked(0) && !check.dims(0)[1].is_symbolic() && check.dims(0)[1].value % groups != 0)
    check.fail_input(0, "channels must be a multiple of the " + std::to_string(groups) + " groups");
  if (check.integer("scale_by_group", 0, 1) == 0) {
    require_channels(check, 1, 3);
  } else {
    for (std::size_t i = 1; i < 3; ++i) {
      check.require_dtype(i, kFloats);
      check.require_rank(i, 1);
      check.require_equal(i, 0, groups, "num_groups");
    }
  }
  check.require_same_dtype(1, 0);
  check.require_same_dtype(2, 0);
  return {check.type(0)};
}

std::vector<ValueType> local_response_normalization(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"x"});
  check.require_dtype(0, kFloats);
  check.require_rank(0, kLeastRank, kMaxDims);
  check.integer("size", 1, kMaxWindowNumber);
  return {check.type(0)};
}

}  // namespace lathe::rules
