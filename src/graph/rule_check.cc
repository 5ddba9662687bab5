#include "graph/rule_check.h"

#include <algorithm>
#include <cstring>

#include "base/checked.h"
#include "base/error.h"
#include "graph/text_lists.h"

namespace lathe {

std::optional<std::vector<std::int64_t>> RuleCheck::integers(std::size_t input) const {
  const TensorView& view = value(input);
  if (view.data == nullptr) {
    if (length(input) == 0) return std::vector<std::int64_t>();
    if (input >= inputs_.elements.size() || !are_numbers(inputs_.elements[input])) return std::nullopt;
    std::vector<std::int64_t> result;
    for (const auto& element : *inputs_.elements[input]) result.push_back(element.value);
    return result;
  }
  if (view.dtype != Dtype::i64 && view.dtype != Dtype::i32) fail_input(input, "must be i64 or i32");
  if (view.shape.size() > 1) fail_input(input, "must have at most one dimension");
  std::vector<std::int64_t> result(static_cast<std::size_t>(element_count(view.shape)));
  for (std::size_t i = 0; i < result.size(); ++i) {
    if (view.dtype == Dtype::i64) {
      std::memcpy(&result[i], view.data + i * sizeof(std::int64_t), sizeof(std::int64_t));
    } else {
      std::int32_t element = 0;
      std::memcpy(&element, view.data + i * sizeof element, sizeof element);
      result[i] = element;
    }
  }
  return result;
}

Elements RuleCheck::sizes(std::size_t input) const {
  if (const auto known = integers(input)) return std::vector<Dim>(known->begin(), known->end());
  return input < inputs_.elements.size() ? inputs_.elements[input] : std::nullopt;
}

const SymbolRanges& RuleCheck::symbols() const {
  static const SymbolRanges kAny;
  return inputs_.symbols == nullptr ? kAny : *inputs_.symbols;
}

std::optional<std::int64_t> RuleCheck::length(std::size_t input) const {
  const ValueType& own = type(input);
  if (!own.ranked) return std::nullopt;
  if (own.dims.empty()) return 1;
  if (own.dims.size() > 1) fail_input(input, "must have at most one dimension");
  if (own.dims[0].is_symbolic()) return std::nullopt;
  return own.dims[0].value;
}

void RuleCheck::require_dtype(std::size_t input, std::initializer_list<Dtype> dtypes) const {
  if (std::ranges::find(dtypes, dtype(input)) != dtypes.end()) return;
  std::string names;
  for (const auto each : dtypes) names += (names.empty() ? "" : ", ") + std::string(info(each).name);
  fail_input(input, "must be " + names);
}

void RuleCheck::require_same_dtype(std::size_t input, std::size_t as) const {
  if (dtype(input) != dtype(as))
    fail_input(input, "must be " + std::string(info(dtype(as)).name) + " as input " + std::to_string(as));
}

void RuleCheck::require_rank(std::size_t input, std::size_t rank) const { require_rank(input, rank, rank); }

void RuleCheck::require_rank(std::size_t input, std::size_t least, std::size_t most) const {
  if (!ranked(input)) return;
  const auto rank = dims(input).size();
  if (rank >= least && rank <= most) return;
  fail_input(input, "must have " + std::to_string(least) +
                        (most == least      ? ""
                         : most == kMaxDims ? " or more"
                                            : " to " + std::to_string(most)) +
                        " dimensions");
}

void RuleCheck::require_equal(std::size_t input, std::size_t axis, const Dim& expected,
                              std::string_view of) const {
  if (!ranked(input) || axis >= dims(input).size() || may_equal(dims(input)[axis], expected)) return;
  fail_input(input, "dimension " + std::to_string(axis) + " must be " + to_string(expected) + " (" +
                        std::string(of) + ")");
}

std::int64_t RuleCheck::integer(std::string_view attribute, std::int64_t least, std::int64_t most) const {
  const auto found = node_.integer(attribute);
  if (found < least || found > most)
    fail(std::string(attribute) + " is " + std::to_string(found) + ", and must be " + std::to_string(least) +
         " to " + std::to_string(most));
  return found;
}

std::vector<std::int64_t> RuleCheck::integers_of(std::string_view attribute) const {
  auto list = parse_integers(node_.text(attribute));
  if (!list) fail(std::string(attribute) + " must be whole numbers with commas between");
  return *std::move(list);
}

std::size_t RuleCheck::axis(std::int64_t given, std::size_t rank) const {
  const auto axes = static_cast<std::int64_t>(rank);
  if (given < -axes || given >= axes)
    fail("the axis " + std::to_string(given) + " is none of " + std::to_string(rank));
  return static_cast<std::size_t>(given < 0 ? given + axes : given);
}

void RuleCheck::fail(const std::string& message) const {
  std::string text(node_.op->name);
  if (!node_.name.empty()) text += " " + printable(node_.name);
  throw Error(ErrorCode::invalid_argument, text + ": " + message);
}

void RuleCheck::fail_input(std::size_t input, const std::string& message) const {
  const auto name = input_names_[std::min(input, input_names_.size() - 1)];
  fail("input " + std::to_string(input) + " (" + std::string(name) + ") is " + to_string(type(input)) + ": " +
       message);
}

Dim add_dims(const Dim& a, const Dim& b) {
  if (a.is_symbolic() || b.is_symbolic()) return sum_of(a, b);
  return a.value + b.value;  // each at most 2^48
}

Dim multiply_dims(const Dim& a, const Dim& b) {
  if (a == Dim(0) || b == Dim(0)) return 0;
  if (a.is_symbolic() || b.is_symbolic()) return product_of(a, b);
  const auto product =
      checked_multiply(static_cast<std::uint64_t>(a.value), static_cast<std::uint64_t>(b.value));
  if (!product || *product > static_cast<std::uint64_t>(kMaxDim))
    throw Error(ErrorCode::invalid_argument, "a dimension of more than 2^48 elements");
  return *product;
}

Dim product_of(const Dims& dims, std::size_t first, std::size_t last) {
  Dim product = 1;
  for (std::size_t i = first; i < last; ++i) product = multiply_dims(product, dims[i]);
  return product;
}

bool may_equal(const Dim& a, const Dim& b) {
  if (a == b || a.is_unknown() || b.is_unknown() || a.is_symbolic() != b.is_symbolic()) return true;
  return is_expression(a.symbol) || is_expression(b.symbol);
}

Dims unknown_dims(std::size_t count) { return Dims(count, Dim::unknown()); }

}  // namespace lathe
