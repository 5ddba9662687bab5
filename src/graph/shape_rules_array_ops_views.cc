// Shape rules of views: elements stay where they are.
#include <algorithm>
#include <set>

#include "base/checked.h"
#include "base/error.h"
#include "graph/rule_check.h"
#include "graph/shape_rules_array_ops.h"
#include "graph/slice_range.h"
#include "graph/text_lists.h"

namespace lathe::array_rules {
namespace {

bool all_numbers(const Dims& dims) {
  return std::ranges::none_of(dims, [](const Dim& dim) { return dim.is_symbolic(); });
}

/// Elements of numbers alone; empty where they are too many.
std::optional<std::uint64_t> count_of(const Dims& dims) {
  std::uint64_t count = 1;
  if (std::ranges::count(dims, Dim(0)) > 0) return 0;
  for (const auto& dim : dims) {
    const auto product = checked_multiply(count, static_cast<std::uint64_t>(dim.value));
    if (!product) return std::nullopt;
    count = *product;
  }
  return count;
}

/// What -1 stands for: the elements of `from` that `to` leaves, -1 being at `rest`.
Dim remaining(const RuleCheck& check, const Dims& from, const Dims& to, std::size_t rest) {
  Dims others = to;
  others.erase(others.begin() + static_cast<std::ptrdiff_t>(rest));
  if (!all_numbers(from) || !all_numbers(others)) {
    const auto product = [](const Dims& dims) {
      Dim result = 1;
      for (const auto& dim : dims) result = product_of(result, dim);
      return result;
    };
    return exact_quotient_of(product(from), product(others)).value_or(Dim::unknown());
  }
  const auto total = count_of(from);
  const auto divisor = count_of(others);
  if (!divisor || !total) check.fail_input(1, "has too many elements");
  if (*divisor == 0 || *total % *divisor != 0)
    check.fail_input(0, "does not divide into the shape " + to_string(ValueType{check.dtype(0), to}));
  if (*total / *divisor > static_cast<std::uint64_t>(kMaxDim)) check.fail_input(0, "has too many elements");
  return Dim(*total / *divisor);
}

/// The type with these dimensions, which must have the elements of input 0.
ValueType same_elements(const RuleCheck& check, const Dims& to) {
  const Dims& from = check.dims(0);
  if (all_numbers(from) && all_numbers(to)) {
    if (count_of(from) != count_of(to))
      check.fail_input(0, "has not the elements of " + to_string(ValueType{check.dtype(0), to}));
  } else if (!same_element_count(from, to)) {
    return uncertain(check.dtype(0), to);
  }
  return {check.dtype(0), to};
}

void require_view(const RuleCheck& check) {
  if (!is_element(check.dtype(0))) check.fail_input(0, "must be of an element type");
}

/// The axes, of a tensor of `rank` dimensions, in order.
std::set<std::size_t> axes_of(const RuleCheck& check, const std::vector<std::int64_t>& given,
                              std::size_t rank) {
  std::set<std::size_t> axes;
  for (const auto axis : given)
    if (!axes.insert(check.axis(axis, rank)).second)
      check.fail("the axis " + std::to_string(axis) + " is given twice");
  return axes;
}

}  // namespace

Types shape(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"data"});
  if (!check.ranked(0)) return {{Dtype::i64, {Dim::unknown()}}};
  const auto rank = static_cast<std::int64_t>(check.dims(0).size());
  return {{Dtype::i64, {slice_range(rank, check.integer("start"), check.integer("end"), 1).count}}};
}

Types size(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"data"});
  if (check.ranked(0) && all_numbers(check.dims(0))) {
    const auto count = count_of(check.dims(0));
    if (!count || *count > static_cast<std::uint64_t>(kMaxDim)) check.fail_input(0, "has too many elements");
  }
  return {{Dtype::i64, {}}};
}

Types reshape(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"data", "shape"});
  require_view(check);
  check.require_dtype(1, {Dtype::i64});
  const bool allow_zero = check.integer("allowzero", 0, 1) == 1;
  const auto shape = check.sizes(1);
  if (!shape) {
    const auto rank = check.length(1);
    if (!rank || *rank > static_cast<std::int64_t>(kMaxDims)) return {ValueType::unranked(check.dtype(0))};
    return {{check.dtype(0), unknown_dims(static_cast<std::size_t>(*rank))}};
  }
  const auto wanted = shape.value_or(std::vector<Dim>());
  if (wanted.size() > kMaxDims)
    throw Error(ErrorCode::unsupported, "a shape of " + std::to_string(wanted.size()) +
                                            " dimensions, of at most " + std::to_string(kMaxDims));
  Dims to;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i].is_symbolic()) {  // which may turn out to be 0 or -1
      const bool is_size = at_most(1, wanted[i], check.symbols()) == true;
      to.push_back(is_size ? wanted[i] : Dim::unknown());
      continue;
    }
    if (wanted[i].value < -1 || wanted[i].value > kMaxDim)
      check.fail_input(1, "names the dimension " + to_string(wanted[i]));
    if (wanted[i].value != 0 || allow_zero) {
      to.push_back(wanted[i]);
    } else if (!check.ranked(0)) {
      to.push_back(Dim::unknown());
    } else if (i < check.dims(0).size()) {
      to.push_back(check.dims(0)[i]);
    } else {
      check.fail_input(1, "has a 0 where data has no dimension");
    }
  }
  const auto rest = std::ranges::find(to, Dim(-1));
  if (std::ranges::count(to, Dim(-1)) > 1) check.fail_input(1, "has more than one -1");
  if (rest != to.end() && allow_zero && std::ranges::count(to, Dim(0)) > 0)
    check.fail_input(1, "has both 0 and -1");
  if (!check.ranked(0)) {
    if (rest != to.end()) *rest = Dim::unknown();
    return {uncertain(check.dtype(0), to)};
  }
  if (rest != to.end())
    *rest = remaining(check, check.dims(0), to, static_cast<std::size_t>(rest - to.begin()));
  return {same_elements(check, to)};
}

Types squeeze(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"data", "axes"});
  require_view(check);
  if (check.has(1)) check.require_dtype(1, {Dtype::i64});
  if (!check.ranked(0)) return {ValueType::unranked(check.dtype(0))};
  const Dims& from = check.dims(0);
  std::set<std::size_t> axes;
  bool certain = true;
  if (check.has(1)) {
    const auto given = check.integers(1);
    if (!given) {
      const auto count = check.length(1);
      if (!count || *count > static_cast<std::int64_t>(from.size()))
        return {ValueType::unranked(check.dtype(0))};
      return {{check.dtype(0), unknown_dims(from.size() - static_cast<std::size_t>(*count))}};
    }
    axes = axes_of(check, *given, from.size());
  } else {
    for (std::size_t i = 0; i < from.size(); ++i) {
      if (from[i].is_symbolic()) return {ValueType::unranked(check.dtype(0))};
      if (from[i] == Dim(1)) axes.insert(i);
    }
  }
  Dims to;
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (!axes.contains(i)) {
      to.push_back(from[i]);
    } else if (from[i].is_symbolic()) {
      certain = false;
    } else if (from[i] != Dim(1)) {
      check.fail_input(0, "dimension " + std::to_string(i) + " must be 1");
    }
  }
  return {certain ? ValueType{check.dtype(0), to} : uncertain(check.dtype(0), to)};
}

Types unsqueeze(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"data", "axes"});
  require_view(check);
  check.require_dtype(1, {Dtype::i64});
  const auto count = check.length(1);
  if (!check.ranked(0) || !count || *count > static_cast<std::int64_t>(kMaxDims))
    return {ValueType::unranked(check.dtype(0))};
  const Dims& from = check.dims(0);
  const std::size_t rank = from.size() + static_cast<std::size_t>(*count);
  const auto given = check.integers(1);
  if (!given) return {{check.dtype(0), unknown_dims(rank)}};
  const auto axes = axes_of(check, *given, rank);
  Dims to;
  auto next = from.begin();
  for (std::size_t i = 0; i < rank; ++i) to.push_back(axes.contains(i) ? Dim(1) : *next++);
  return {{check.dtype(0), to}};
}

Types flatten(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"data"});
  require_view(check);
  if (!check.ranked(0)) return {{check.dtype(0), unknown_dims(2)}};
  const Dims& from = check.dims(0);
  const auto rank = static_cast<std::int64_t>(from.size());
  const auto given = check.integer("axis", -rank, rank);
  const auto axis = static_cast<std::size_t>(given < 0 ? given + rank : given);
  return {{check.dtype(0), {product_of(from, 0, axis), product_of(from, axis, from.size())}}};
}

}  // namespace lathe::array_rules
