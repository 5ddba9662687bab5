// Shape rules of ops whose result's dimensions are what inputs say: repeated, padded, and filled elements.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/checked.h"
#include "base/error.h"
#include "base/half.h"
#include "graph/rule_check.h"
#include "graph/shape_rules_array_ops.h"
#include "graph/text_lists.h"

namespace lathe::array_rules {
namespace {

void require_element(const RuleCheck& check, std::size_t input) {
  if (!is_element(check.dtype(input))) check.fail_input(input, "must be of an element type");
}

/// Dimensions that an input names, where they are known; otherwise as many unknown ones as it has elements.
std::optional<Dims> named_dims(const RuleCheck& check, std::size_t input) {
  const auto named = check.sizes(input);
  const auto count = named ? static_cast<std::int64_t>(named->size()) : check.length(input);
  if (!count) return std::nullopt;
  if (*count > static_cast<std::int64_t>(kMaxDims))
    throw Error(ErrorCode::unsupported, "a shape of " + std::to_string(*count) + " dimensions, of at most " +
                                            std::to_string(kMaxDims));
  if (!named) return unknown_dims(static_cast<std::size_t>(*count));
  Dims dims;
  for (const auto& dim : *named) {
    if (!dim.is_symbolic() && (dim.value < 0 || dim.value > kMaxDim))
      check.fail_input(input, "names the dimension " + to_string(dim));
    const bool is_size = !dim.is_symbolic() || at_most(0, dim, check.symbols()) == true;
    dims.push_back(is_size ? dim : Dim::unknown());
  }
  return dims;
}

/// Where a dimension of a broadcast may be something that is not known, it is "?".
Dim broadcast_dim(const RuleCheck& check, const Dim& a, const Dim& b) {
  if (a == b || b == Dim(1)) return a;
  if (a == Dim(1)) return b;
  if (!a.is_symbolic() && !b.is_symbolic()) check.fail_input(1, "does not broadcast with " + to_string(a));
  return Dim::unknown();
}

/// The number of a scalar, or of a tensor of one element, where it is known.
std::optional<double> scalar(const RuleCheck& check, std::size_t input) {
  const TensorView& view = check.value(input);
  if (view.data == nullptr) return std::nullopt;
  if (element_count(view.shape) != 1) check.fail_input(input, "must have one element");
  const auto at = [&view]<class T>(T element) {
    std::memcpy(&element, view.data, sizeof element);
    return element;
  };
  switch (view.dtype) {
    case Dtype::f32:
      return static_cast<double>(at(0.0f));
    case Dtype::f64:
      return at(0.0);
    case Dtype::f16:
      return static_cast<double>(half_to_float(at(std::uint16_t{})));
    case Dtype::bf16:
      return static_cast<double>(bfloat_to_float(at(std::uint16_t{})));
    case Dtype::i16:
      return at(std::int16_t{});
    case Dtype::i32:
      return at(std::int32_t{});
    default:
      check.fail_input(input, "must be a number of 16 bits or more");
  }
}

/// Elements of a range of whole numbers, without overflow.
std::uint64_t whole_range_count(std::int64_t start, std::int64_t limit, std::int64_t delta) {
  if (delta > 0 ? start >= limit : start <= limit) return 0;
  const auto distance = delta > 0 ? static_cast<std::uint64_t>(limit) - static_cast<std::uint64_t>(start)
                                  : static_cast<std::uint64_t>(start) - static_cast<std::uint64_t>(limit);
  const auto step = delta > 0 ? static_cast<std::uint64_t>(delta) : -static_cast<std::uint64_t>(delta);
  return (distance - 1) / step + 1;
}

/// The same of dimensions, for steps upwards.
Dim range_count(const RuleCheck& check, const Dim& start, const Dim& limit, std::int64_t delta) {
  const Dim distance = difference_of(limit, start);
  if (delta < 1 || distance.is_unknown() || at_most(0, distance, check.symbols()) != true)
    return Dim::unknown();
  return quotient_of(sum_of(distance, delta - 1), delta);
}

}  // namespace

Types expand(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"input", "shape"});
  require_element(check, 0);
  check.require_dtype(1, {Dtype::i64});
  const auto shape = named_dims(check, 1);
  if (!check.ranked(0) || !shape) return {ValueType::unranked(check.dtype(0))};
  const Dims& from = check.dims(0);
  Dims to = from.size() >= shape->size() ? from : *shape;
  const std::size_t shared = std::min(from.size(), shape->size());
  for (std::size_t i = 1; i <= shared; ++i)
    to[to.size() - i] = broadcast_dim(check, from[from.size() - i], (*shape)[shape->size() - i]);
  return {{check.dtype(0), to}};
}

Types tile(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"input", "repeats"});
  require_element(check, 0);
  check.require_dtype(1, {Dtype::i64});
  const auto repeats = named_dims(check, 1);
  if (!check.ranked(0))
    return {repeats ? ValueType{check.dtype(0), unknown_dims(repeats->size())}
                    : ValueType::unranked(check.dtype(0))};
  Dims dims = check.dims(0);
  if (!repeats) return {{check.dtype(0), unknown_dims(dims.size())}};
  if (repeats->size() != dims.size()) check.fail_input(1, "must have a number for each axis of input");
  for (std::size_t i = 0; i < dims.size(); ++i) dims[i] = multiply_dims(dims[i], (*repeats)[i]);
  return {{check.dtype(0), dims}};
}

Types pad(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"data", "pads", "constant_value", "axes"});
  require_element(check, 0);
  check.require_dtype(1, {Dtype::i64});
  if (check.has(2)) {
    check.require_same_dtype(2, 0);
    if (const auto count = check.length(2); count && *count != 1)
      check.fail_input(2, "must have one element");
  }
  if (check.has(3)) check.require_dtype(3, {Dtype::i64, Dtype::i32});
  const auto& mode = node.text("mode");
  if (!mode.empty() && mode != "constant" && mode != "reflect" && mode != "edge" && mode != "wrap")
    check.fail("the mode \"" + mode + "\" is not known");
  if (!check.ranked(0)) return {ValueType::unranked(check.dtype(0))};
  Dims dims = check.dims(0);
  const auto pads = check.integers(1);
  auto axes = check.has(3) ? check.integers(3) : std::vector<std::int64_t>();
  for (std::size_t i = 0; !check.has(3) && i < dims.size(); ++i)
    axes->push_back(static_cast<std::int64_t>(i));
  if (!pads || !axes) return {{check.dtype(0), unknown_dims(dims.size())}};
  if (pads->size() != 2 * axes->size()) check.fail_input(1, "must have two numbers for each axis");
  std::vector<bool> seen(dims.size(), false);
  for (std::size_t i = 0; i < axes->size(); ++i) {
    const auto axis = check.axis((*axes)[i], dims.size());
    if (seen[axis]) check.fail_input(3, "names an axis twice");
    seen[axis] = true;
    const std::int64_t before = (*pads)[i];
    const std::int64_t behind = (*pads)[i + axes->size()];
    if (std::min(before, behind) < -kMaxDim || std::max(before, behind) > kMaxDim)
      check.fail_input(1, "has a number beyond 2^48");
    Dim& dim = dims[axis];
    if (before == 0 && behind == 0) continue;
    if (dim.is_symbolic()) {
      const Dim kept = sum_of(dim, std::min<std::int64_t>(before, 0) + std::min<std::int64_t>(behind, 0));
      const bool any = at_most(mode.empty() || mode == "constant" ? 0 : 1, kept, check.symbols()) == true;
      dim = any ? sum_of(dim, before + behind) : Dim::unknown();
      continue;
    }
    const std::int64_t size = dim.value + before + behind;
    const std::int64_t kept =
        dim.value + std::min<std::int64_t>(before, 0) + std::min<std::int64_t>(behind, 0);
    if (kept < 0 || size > kMaxDim)
      check.fail_input(1, "does not fit the dimension " + std::to_string(dim.value));
    if (kept == 0 && size > 0 && !mode.empty() && mode != "constant")
      check.fail_input(0, "has no elements to pad with");
    dim = size;
  }
  return {{check.dtype(0), dims}};
}

Types center_crop_pad(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"input_data", "shape"});
  require_element(check, 0);
  check.require_dtype(1, {Dtype::i64, Dtype::i32});
  if (!check.ranked(0)) return {ValueType::unranked(check.dtype(0))};
  Dims dims = check.dims(0);
  const auto shape = named_dims(check, 1);
  auto axes = check.integers_of("axes");
  for (std::size_t i = 0; node.text("axes").empty() && i < dims.size(); ++i)
    axes.push_back(static_cast<std::int64_t>(i));
  if (shape && shape->size() != axes.size()) check.fail_input(1, "must have a dimension for each axis");
  std::vector<bool> seen(dims.size(), false);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const auto axis = check.axis(axes[i], dims.size());
    if (seen[axis]) check.fail("axes names one twice");
    seen[axis] = true;
    dims[axis] = shape ? (*shape)[i] : Dim::unknown();
  }
  return {{check.dtype(0), dims}};
}

Types constant_of_shape(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"shape", "value"});
  check.require_dtype(0, {Dtype::i64});
  require_element(check, 1);
  if (const auto count = check.length(1); count && *count != 1) check.fail_input(1, "must have one element");
  const auto dims = named_dims(check, 0);
  return {dims ? ValueType{check.dtype(1), *dims} : ValueType::unranked(check.dtype(1))};
}

Types range(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"start", "limit", "delta"});
  check.require_dtype(0,
                      {Dtype::f32, Dtype::f64, Dtype::f16, Dtype::bf16, Dtype::i16, Dtype::i32, Dtype::i64});
  for (std::size_t i = 0; i < 3; ++i) {
    check.require_same_dtype(i, 0);
    if (const auto count = check.length(i); count && *count != 1)
      check.fail_input(i, "must have one element");
  }
  const Dtype dtype = check.dtype(0);
  if (dtype == Dtype::i64) {
    const auto start = check.sizes(0);
    const auto limit = check.sizes(1);
    const auto delta = check.integers(2);
    if (!start || !limit || !delta) return {{dtype, {Dim::unknown()}}};
    if (delta->at(0) == 0) check.fail_input(2, "must not be 0");
    if (!are_numbers(start) || !are_numbers(limit))
      return {{dtype, {range_count(check, start->at(0), limit->at(0), delta->at(0))}}};
    const auto count = whole_range_count(start->at(0).value, limit->at(0).value, delta->at(0));
    if (count > static_cast<std::uint64_t>(kMaxDim)) check.fail("more than 2^48 elements");
    return {{dtype, {count}}};
  }
  for (std::size_t i = 0; i < 3; ++i)
    if (check.value(i).data == nullptr) return {{dtype, {Dim::unknown()}}};
  const double delta = *scalar(check, 2);
  if (delta == 0) check.fail_input(2, "must not be 0");
  const double count = std::ceil((*scalar(check, 1) - *scalar(check, 0)) / delta);
  if (!(count <= static_cast<double>(kMaxDim))) check.fail("more than 2^48 elements");
  return {{dtype, {static_cast<std::int64_t>(std::max(count, 0.0))}}};
}

Types sizes(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"inputs"});
  const auto elements = parse_dims(node.text("elements"));
  if (!elements || elements->empty() || elements->size() > kMostElements)
    check.fail("elements must be 1 to " + std::to_string(kMostElements) + " expressions with commas between");
  for (const auto& element : *elements) {
    if (is_expression(element.symbol) && !expression_problem(element.symbol).empty())
      check.fail("the element " + to_string(element) + " " + expression_problem(element.symbol));
    for (const auto& symbol : symbols_of(element)) {
      const auto place = named_place(symbol);
      if (!place || place->input >= check.count())
        check.fail("the element " + to_string(element) + " has no dimension of an input");
      check.require_rank(place->input, place->axis + 1, kMaxDims);
    }
  }
  const auto rank = check.integer("rank", 0, 1);
  if (rank == 0 && elements->size() != 1) check.fail("rank is 0, and there is more than one element");
  const auto dtype = dtype_named(node.text("to"));
  if (dtype != Dtype::i64 && dtype != Dtype::i32 && dtype != Dtype::boolean)
    check.fail("to must be i64, i32 or bool");
  return {{*dtype, rank == 0 ? Dims{} : Dims{elements->size()}}};
}

Types eye_like(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"input"});
  check.require_rank(0, 2);
  const auto dtype = static_cast<Dtype>(check.integer("dtype", 0, static_cast<std::int64_t>(kLastDtype)));
  if (!is_element(dtype)) check.fail("dtype must be an element type");
  return {{dtype, check.ranked(0) ? check.dims(0) : unknown_dims(2)}};
}

Types one_hot(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"indices", "depth", "values"});
  for (std::size_t i = 0; i < 3; ++i) require_element(check, i);
  if (const auto count = check.length(1); count && *count != 1) check.fail_input(1, "must have one element");
  check.require_rank(2, 1);
  check.require_equal(2, 0, 2, "off and on");
  if (!check.ranked(0)) return {ValueType::unranked(check.dtype(2))};
  Dims dims = check.dims(0);
  const auto axis = check.axis(check.integer("axis"), dims.size() + 1);
  Dim depth = Dim::unknown();
  if (check.value(1).data != nullptr) {
    const double number = check.dtype(1) == Dtype::i64 ? static_cast<double>(check.integers(1)->at(0))
                                                       : scalar(check, 1).value_or(-1);
    if (!(number >= 0 && number <= static_cast<double>(kMaxDim))) check.fail_input(1, "is no dimension");
    depth = static_cast<std::int64_t>(number);
  }
  dims.insert(dims.begin() + static_cast<std::ptrdiff_t>(axis), depth);
  return {{check.dtype(2), dims}};
}

}  // namespace lathe::array_rules
