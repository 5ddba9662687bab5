// Shape rules of ops that take apart, put together, and permute.
#include <algorithm>

#include "graph/rule_check.h"
#include "graph/shape_rules_array_ops.h"
#include "graph/slice_range.h"
#include "graph/text_lists.h"

namespace lathe::array_rules {
namespace {

void require_element(const RuleCheck& check, std::size_t input) {
  if (!is_element(check.dtype(input))) check.fail_input(input, "must be of an element type");
}

/// Of a ranked input, which must have an axis.
std::size_t axis_attribute(const RuleCheck& check) {
  if (check.dims(0).empty()) check.fail_input(0, "must have at least one dimension");
  return check.axis(check.integer("axis"), check.dims(0).size());
}

bool is_number(const Dim& dim) { return !dim.is_symbolic(); }

/// A place in a dimension, within 0 to all of it: counted from the back where negative. "?" where that
/// depends on what the symbols are.
Dim slice_place(const RuleCheck& check, const Dim& dim, const Dim& given) {
  const auto negative = at_most(given, -1, check.symbols());
  if (!negative) return Dim::unknown();
  const auto above = greater_of(*negative ? sum_of(given, dim) : given, 0, check.symbols());
  return above ? lesser_of(*above, dim, check.symbols()).value_or(Dim::unknown()) : Dim::unknown();
}

/// How many elements a slice takes.
Dim sliced(const RuleCheck& check, const Dim& dim, const Dim& start, const Dim& end, std::int64_t step) {
  if (is_number(dim) && is_number(start) && is_number(end))
    return slice_range(dim.value, start.value, end.value, step).count;
  constexpr std::int64_t kBeyond = -kMaxDim;
  if (step == -1 && start == Dim(-1) && is_number(end) && end.value <= kBeyond) return dim;  // reversed
  if (dim.is_unknown() || step < 1) return Dim::unknown();
  const Dim from = slice_place(check, dim, start);
  const bool to_the_end = is_number(end) && end.value >= kMaxDim;
  const auto count =
      greater_of(difference_of(to_the_end ? dim : slice_place(check, dim, end), from), 0, check.symbols());
  return count ? quotient_of(sum_of(*count, step - 1), step) : Dim::unknown();
}

}  // namespace

Types concat(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"inputs"});
  require_element(check, 0);
  std::size_t first = check.count();  // the first whose rank is known
  bool all_ranked = true;
  for (std::size_t i = 0; i < check.count(); ++i) {
    check.require_same_dtype(i, 0);
    all_ranked = all_ranked && check.ranked(i);
    if (check.ranked(i) && first == check.count()) first = i;
  }
  if (first == check.count()) return {ValueType::unranked(check.dtype(0))};
  Dims dims = check.dims(first);
  if (dims.empty()) check.fail_input(first, "must have at least one dimension");
  const auto axis = check.axis(check.integer("axis"), dims.size());
  for (std::size_t i = first + 1; i < check.count(); ++i) {
    if (!check.ranked(i)) continue;
    check.require_rank(i, dims.size());
    for (std::size_t d = 0; d < dims.size(); ++d) {
      if (d != axis) check.require_equal(i, d, dims[d], "as the first");
      dims[d] = d == axis ? add_dims(dims[d], check.dims(i)[d]) : merged(dims[d], check.dims(i)[d]);
    }
  }
  if (!all_ranked) dims = unknown_dims(dims.size());
  return {{check.dtype(0), dims}};
}

Types split(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"input", "split"});
  require_element(check, 0);
  constexpr std::int64_t kMost = 1 << 16;
  const auto outputs = static_cast<std::size_t>(check.integer("outputs", 1, kMost));
  if (check.has(1)) check.require_dtype(1, {Dtype::i64});
  if (!check.ranked(0)) return Types(outputs, ValueType::unranked(check.dtype(0)));
  const auto axis = axis_attribute(check);
  const Dim whole = check.dims(0)[axis];
  Types result(outputs, {check.dtype(0), check.dims(0)});
  for (auto& type : result) type.dims[axis] = Dim::unknown();
  if (check.has(1)) {
    const auto sizes = check.integers(1);
    if (!sizes) return result;
    if (sizes->size() != outputs)
      check.fail_input(1, "must name the sizes of " + std::to_string(outputs) + " outputs");
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < outputs; ++i) {
      const auto size = (*sizes)[i];
      if (size < 0 || size > kMaxDim) check.fail_input(1, "names the size " + std::to_string(size));
      sum += size;  // of at most 2^16 numbers up to 2^48
      if (is_number(whole)) result[i].dims[axis] = size;
    }
    if (is_number(whole) && sum != whole.value)
      check.fail_input(1, "must have the sum " + std::to_string(whole.value));
    return result;
  }
  if (!is_number(whole)) {
    const auto part = exact_quotient_of(whole, static_cast<std::int64_t>(outputs));
    for (auto& type : result)
      if (part) type.dims[axis] = *part;
    return result;
  }
  // equal parts, the last ones smaller where it must be; without num_outputs (before opset 18) all are equal
  const auto parts = static_cast<std::int64_t>(outputs);
  if (check.integer("num_outputs") == 0 && whole.value % parts != 0)
    check.fail_input(0, "does not divide into " + std::to_string(parts) + " parts");
  const std::int64_t part = (whole.value + parts - 1) / parts;
  for (std::int64_t i = 0; i < parts; ++i)
    result[static_cast<std::size_t>(i)].dims[axis] =
        std::clamp(whole.value - i * part, std::int64_t{0}, part);
  return result;
}

Types transpose(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"data"});
  require_element(check, 0);
  if (!check.ranked(0)) return {ValueType::unranked(check.dtype(0))};
  const auto permutation = parse_permutation(node.text("perm"), check.dims(0).size());
  if (!permutation) check.fail_input(0, "has no permutation \"" + node.text("perm") + "\" of its axes");
  Dims to;
  for (const auto axis : *permutation) to.push_back(check.dims(0)[axis]);
  return {{check.dtype(0), to}};
}

Types slice(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"data", "starts", "ends", "axes", "steps"});
  require_element(check, 0);
  for (std::size_t i = 1; i < check.count(); ++i)
    if (check.has(i)) check.require_dtype(i, {Dtype::i64, Dtype::i32});
  if (!check.ranked(0)) return {ValueType::unranked(check.dtype(0))};
  Dims dims = check.dims(0);
  const auto starts = check.sizes(1);
  const auto ends = check.sizes(2);
  auto axes = check.has(3) ? check.integers(3) : std::vector<std::int64_t>();
  const auto steps = check.has(4) ? check.integers(4) : std::vector<std::int64_t>();
  if (!axes) return {{check.dtype(0), unknown_dims(dims.size())}};
  const auto count = starts ? static_cast<std::int64_t>(starts->size()) : check.length(1);
  if (!count) return {{check.dtype(0), unknown_dims(dims.size())}};
  if (*count > static_cast<std::int64_t>(dims.size())) check.fail_input(1, "names more axes than data has");
  if (!check.has(3))
    for (std::int64_t i = 0; i < *count; ++i) axes->push_back(i);
  const auto named = static_cast<std::size_t>(*count);
  if (axes->size() != named) check.fail_input(3, "must have an axis for each start");
  if (ends && ends->size() != named) check.fail_input(2, "must have an end for each start");
  if (check.has(4) && steps && steps->size() != named) check.fail_input(4, "must have a step for each start");
  std::vector<bool> seen(dims.size(), false);
  for (std::size_t i = 0; i < named; ++i) {
    const auto axis = check.axis((*axes)[i], dims.size());
    if (seen[axis]) check.fail_input(3, "names an axis twice");
    seen[axis] = true;
    Dim& dim = dims[axis];
    const bool known = starts && ends && steps;
    const std::int64_t step = known && check.has(4) ? (*steps)[i] : 1;
    if (step == 0) check.fail_input(4, "has a step of 0");
    dim = known ? sliced(check, dim, (*starts)[i], (*ends)[i], step) : Dim::unknown();
  }
  return {{check.dtype(0), dims}};
}

}  // namespace lathe::array_rules
