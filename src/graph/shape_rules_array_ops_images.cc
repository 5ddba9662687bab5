// Shape rules of ops that rearrange the axes of images, sequences and matrices.
#include "graph/rule_check.h"
#include "graph/shape_rules_array_ops.h"

namespace lathe::array_rules {
namespace {

void require_element(const RuleCheck& check) {
  if (!is_element(check.dtype(0))) check.fail_input(0, "must be of an element type");
}

constexpr std::int64_t kMostBlock = 1 << 16;

/// The dimension divided by `divisor`, where it is known.
Dim divided(const RuleCheck& check, std::size_t axis, std::int64_t divisor) {
  const Dim& dim = check.dims(0)[axis];
  if (divisor == 1) return dim;
  if (dim.is_symbolic()) return Dim::unknown();
  if (dim.value % divisor != 0)
    check.fail_input(
        0, "dimension " + std::to_string(axis) + " must be a multiple of " + std::to_string(divisor));
  return dim.value / divisor;
}

void require_block_order(const RuleCheck& check, const Node& node) {
  const auto& mode = node.text("mode");
  if (!mode.empty() && mode != "DCR" && mode != "CRD") check.fail("the mode \"" + mode + "\" is not known");
}

}  // namespace

Types depth_to_space(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"input"});
  require_element(check);
  check.require_rank(0, 4);
  require_block_order(check, node);
  const auto block = check.integer("blocksize", 1, kMostBlock);
  if (!check.ranked(0)) return {{check.dtype(0), unknown_dims(4)}};
  const Dims& x = check.dims(0);
  return {{check.dtype(0),
           {x[0], divided(check, 1, block * block), multiply_dims(x[2], block), multiply_dims(x[3], block)}}};
}

Types space_to_depth(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"input"});
  require_element(check);
  check.require_rank(0, 4);
  require_block_order(check, node);
  const auto block = check.integer("blocksize", 1, kMostBlock);
  if (!check.ranked(0)) return {{check.dtype(0), unknown_dims(4)}};
  const Dims& x = check.dims(0);
  return {{check.dtype(0),
           {x[0], multiply_dims(x[1], block * block), divided(check, 2, block), divided(check, 3, block)}}};
}

Types reverse_sequence(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"input", "sequence_lens"});
  require_element(check);
  check.require_rank(0, 2, kMaxDims);
  check.require_dtype(1, {Dtype::i64});
  check.require_rank(1, 1);
  const auto batch_axis = check.integer("batch_axis", 0, 1);
  if (batch_axis == check.integer("time_axis", 0, 1)) check.fail("batch_axis and time_axis must differ");
  if (!check.ranked(0)) return {check.type(0)};
  const Dim& batch = check.dims(0)[static_cast<std::size_t>(batch_axis)];
  check.require_equal(1, 0, batch, "the batch");
  const bool certain = check.ranked(1) && check.dims(1)[0] == batch;
  return {certain ? check.type(0) : uncertain(check.dtype(0), check.dims(0))};
}

Types trilu(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"input", "k"});
  require_element(check);
  check.require_rank(0, 2, kMaxDims);
  check.integer("upper", 0, 1);
  if (check.has(1)) {
    check.require_dtype(1, {Dtype::i64});
    if (const auto count = check.length(1); count && *count != 1)
      check.fail_input(1, "must have one element");
  }
  return {check.type(0)};
}

}  // namespace lathe::array_rules
