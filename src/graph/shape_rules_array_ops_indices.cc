// Shape rules of ops that read or write where an input says. Whether indices are in range, kernels find out.
#include <algorithm>

#include "graph/rule_check.h"
#include "graph/shape_rules_array_ops.h"

namespace lathe::array_rules {
namespace {

void require_element(const RuleCheck& check, std::size_t input) {
  if (!is_element(check.dtype(input))) check.fail_input(input, "must be of an element type");
}

void require_indices(const RuleCheck& check, std::size_t input) {
  check.require_dtype(input, {Dtype::i64, Dtype::i32});
}

/// Of a ranked input 0, which must have an axis.
std::size_t axis_attribute(const RuleCheck& check) {
  if (check.dims(0).empty()) check.fail_input(0, "must have at least one dimension");
  return check.axis(check.integer("axis"), check.dims(0).size());
}

/// Fails where `input` is longer than input 0 along an axis.
void require_within(const RuleCheck& check, std::size_t input, std::size_t axis) {
  const Dim& dim = check.dims(input)[axis];
  const Dim& data = check.dims(0)[axis];
  if (!dim.is_symbolic() && !data.is_symbolic() && dim.value > data.value)
    check.fail_input(input, "dimension " + std::to_string(axis) + " must be at most " + to_string(data));
}

/// The type, to be found again in each run where an input's dimensions are not those of the data for certain.
ValueType as_checked(bool certain, Dtype dtype, Dims dims) {
  return certain ? ValueType{dtype, std::move(dims)} : uncertain(dtype, std::move(dims));
}

bool is_within(const Dim& dim, const Dim& data) {
  return dim == data || (!dim.is_symbolic() && !data.is_symbolic());
}

void require_reduction(const RuleCheck& check, const Node& node) {
  const auto& reduction = node.text("reduction");
  for (const auto* known : {"", "none", "add", "mul", "max", "min"})
    if (reduction == known) return;
  check.fail("the reduction \"" + reduction + "\" is not known");
}

/// How many axes of the data a row of indices names: their last dimension, which must be known.
std::optional<std::size_t> named_axes(const RuleCheck& check, std::size_t batch_dims) {
  const Dims& indices = check.dims(1);
  if (indices.empty()) check.fail_input(1, "must have at least one dimension");
  const Dim& last = indices.back();
  if (last.is_symbolic()) return std::nullopt;
  if (last.value < 1 || last.value > static_cast<std::int64_t>(check.dims(0).size() - batch_dims))
    check.fail_input(1, "names more axes than data has, or none");
  return static_cast<std::size_t>(last.value);
}

}  // namespace

Types gather(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"data", "indices"});
  require_element(check, 0);
  require_indices(check, 1);
  if (!check.ranked(0)) return {ValueType::unranked(check.dtype(0))};
  const auto axis = axis_attribute(check);
  if (!check.ranked(1)) return {ValueType::unranked(check.dtype(0))};
  Dims dims = check.dims(0);
  const auto place = dims.erase(dims.begin() + static_cast<std::ptrdiff_t>(axis));
  dims.insert(place, check.dims(1).begin(), check.dims(1).end());
  return {{check.dtype(0), dims}};
}

Types gather_elements(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"data", "indices"});
  require_element(check, 0);
  require_indices(check, 1);
  if (!check.ranked(0) || !check.ranked(1)) return {ValueType::unranked(check.dtype(0))};
  const auto axis = axis_attribute(check);
  check.require_rank(1, check.dims(0).size());
  bool certain = true;
  for (std::size_t i = 0; i < check.dims(0).size(); ++i) {
    if (i == axis) continue;
    require_within(check, 1, i);
    certain = certain && is_within(check.dims(1)[i], check.dims(0)[i]);
  }
  return {as_checked(certain, check.dtype(0), check.dims(1))};
}

Types gather_nd(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"data", "indices"});
  require_element(check, 0);
  require_indices(check, 1);
  if (!check.ranked(0) || !check.ranked(1)) return {ValueType::unranked(check.dtype(0))};
  const Dims& data = check.dims(0);
  const Dims& indices = check.dims(1);
  const auto most = static_cast<std::int64_t>(std::min(data.size(), indices.size())) - 1;
  if (most < 0) check.fail_input(data.empty() ? 0 : 1, "must have at least one dimension");
  const auto batch_dims = static_cast<std::size_t>(check.integer("batch_dims", 0, most));
  const auto named = named_axes(check, batch_dims);
  if (!named) return {ValueType::unranked(check.dtype(0))};
  bool certain = true;
  for (std::size_t i = 0; i < batch_dims; ++i) {
    check.require_equal(1, i, data[i], "as data's");
    certain = certain && data[i] == indices[i];
  }
  Dims dims(indices.begin(), indices.end() - 1);
  dims.insert(dims.end(), data.begin() + static_cast<std::ptrdiff_t>(batch_dims + *named), data.end());
  return {as_checked(certain, check.dtype(0), dims)};
}

Types scatter_elements(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"data", "indices", "updates"});
  require_element(check, 0);
  require_indices(check, 1);
  check.require_same_dtype(2, 0);
  require_reduction(check, node);
  if (!check.ranked(0) || !check.ranked(1) || !check.ranked(2)) return {ValueType::unranked(check.dtype(0))};
  const auto axis = axis_attribute(check);
  check.require_rank(1, check.dims(0).size());
  check.require_rank(2, check.dims(0).size());
  bool certain = true;
  for (std::size_t i = 0; i < check.dims(0).size(); ++i) {
    check.require_equal(2, i, check.dims(1)[i], "as the indices'");
    if (i != axis) require_within(check, 1, i);
    certain = certain && check.dims(1)[i] == check.dims(2)[i] &&
              (i == axis || is_within(check.dims(1)[i], check.dims(0)[i]));
  }
  return {as_checked(certain, check.dtype(0), check.dims(0))};
}

Types scatter_nd(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"data", "indices", "updates"});
  require_element(check, 0);
  require_indices(check, 1);
  check.require_same_dtype(2, 0);
  require_reduction(check, node);
  if (!check.ranked(0) || !check.ranked(1) || !check.ranked(2)) return {ValueType::unranked(check.dtype(0))};
  const auto named = named_axes(check, 0);
  if (!named) return {uncertain(check.dtype(0), check.dims(0))};
  const Dims& data = check.dims(0);
  Dims dims(check.dims(1).begin(), check.dims(1).end() - 1);
  dims.insert(dims.end(), data.begin() + static_cast<std::ptrdiff_t>(*named), data.end());
  check.require_rank(2, dims.size());
  bool certain = true;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    check.require_equal(2, i, dims[i], "as indices and data say");
    certain = certain && dims[i] == check.dims(2)[i];
  }
  return {as_checked(certain, check.dtype(0), data)};
}

Types tensor_scatter(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"past_cache", "update", "write_indices"});
  require_element(check, 0);
  check.require_same_dtype(1, 0);
  if (check.has(2)) {
    require_indices(check, 2);
    check.require_rank(2, 1);
  }
  const auto& mode = node.text("mode");
  if (!mode.empty() && mode != "linear" && mode != "circular")
    check.fail("the mode \"" + mode + "\" is not known");
  if (!check.ranked(0) || !check.ranked(1)) return {ValueType::unranked(check.dtype(0))};
  check.require_rank(0, 2, kMaxDims);
  const Dims& cache = check.dims(0);
  check.require_rank(1, cache.size());
  const auto axis = axis_attribute(check);
  if (axis == 0) check.fail("the axis must not be that of the batch");
  bool certain = true;
  for (std::size_t i = 0; i < cache.size(); ++i) {
    if (i == axis) {
      require_within(check, 1, i);
      certain = certain && is_within(check.dims(1)[i], cache[i]);
    } else {
      check.require_equal(1, i, cache[i], "as past_cache's");
      certain = certain && check.dims(1)[i] == cache[i];
    }
  }
  if (check.has(2)) {
    check.require_equal(2, 0, cache[0], "the batch");
    certain = certain && check.ranked(2) && check.dims(2)[0] == cache[0];
  }
  return {as_checked(certain, check.dtype(0), cache)};
}

}  // namespace lathe::array_rules
