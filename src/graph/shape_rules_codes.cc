#include "graph/shape_rules_codes.h"

#include <limits>

#include "graph/code_arithmetic.h"
#include "graph/code_product.h"
#include "graph/shape_rules_product.h"
#include "graph/window_check.h"

namespace lathe::rules {
namespace {

using namespace code_product;

constexpr double kGreatest = std::numeric_limits<float>::max();  // no bound
constexpr std::initializer_list<Dtype> kCodes = {Dtype::i8, Dtype::u8};

RuleCheck check_of(const RuleInputs& inputs, const Node& node) {
  return {inputs,
          node,
          {"x", "weight", "factors", "bias", "x zero point", "addend", "addend scale", "addend zero",
           "y scale", "y zero point"}};
}

void require_given(const RuleCheck& check, std::size_t input) {
  if (!check.has(input)) check.fail("input " + std::to_string(input) + " must be given");
}

/// One number of the type, there or absent just as another input is.
void require_number(const RuleCheck& check, std::size_t input, Dtype dtype, bool given) {
  if (!given && check.has(input)) check.fail_input(input, "must be absent");
  if (!given) return;
  require_given(check, input);
  check.require_dtype(input, {dtype});
  check.require_rank(input, 0, 1);
  const auto count = check.length(input);
  if (count && *count != 1) check.fail_input(input, "must be one number");
}

void require_of_rows(const RuleCheck& check, std::size_t input, Dtype dtype = Dtype::f32) {
  check.require_dtype(input, {dtype});
  check.require_rank(input, 1);
  if (check.ranked(kWeight)) check.require_equal(input, 0, check.dims(kWeight).at(0), "the weights' rows");
}

void require_limits(const RuleCheck& check, const Node& node) {
  if (!(node.real("least") <= node.real("most"))) check.fail("least must be at most as much as most");
}

/// All inputs but for the shapes of x, weight and addend. Gives y's type.
Dtype check_operands(const RuleCheck& check, const Node& node) {
  check.require_dtype(kX, kCodes);
  check.require_dtype(kWeight, {Dtype::i8});
  require_of_rows(check, kFactors);
  const bool codes = check.has(kYScale) || check.has(kYZero);
  const bool in_one_step = codes && !check.has(kYScale);
  if (check.has(kBias)) require_of_rows(check, kBias, in_one_step ? Dtype::i32 : Dtype::f32);
  require_number(check, kXZero, check.dtype(kX), true);
  if (check.has(kAddend)) check.require_dtype(kAddend, {Dtype::f32, Dtype::i8, Dtype::u8});
  const bool addend_codes = check.has(kAddend) && check.dtype(kAddend) != Dtype::f32;
  require_number(check, kAddendScale, Dtype::f32, addend_codes);
  require_number(check, kAddendZero, addend_codes ? check.dtype(kAddend) : Dtype::none, addend_codes);
  if (codes) {
    require_given(check, kYZero);
    check.require_dtype(kYZero, kCodes);
  }
  require_number(check, kYScale, Dtype::f32, codes && !in_one_step);
  require_number(check, kYZero, codes ? check.dtype(kYZero) : Dtype::none, codes);
  require_limits(check, node);
  const bool bounded = node.real("least") > -kGreatest || node.real("most") < kGreatest;
  if (in_one_step && (bounded || check.has(kAddend)))
    check.fail("without a scale of y there can be neither addend nor bounds");
  return codes ? check.dtype(kYZero) : Dtype::f32;
}

void require_addend(const RuleCheck& check, const ValueType& y) {
  if (!check.has(kAddend) || !y.ranked) return;
  check.require_rank(kAddend, y.dims.size());
  for (std::size_t i = 0; i < y.dims.size(); ++i) check.require_equal(kAddend, i, y.dims[i], "of y");
}

}  // namespace

std::vector<ValueType> conv_codes(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check = check_of(inputs, node);
  check.require_rank(kWeight, 3, kMaxDims);
  const ValueType y = convolved(check, node, kX, kWeight, check_operands(check, node));
  require_addend(check, y);
  return {y};
}

std::vector<ValueType> linear_codes(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check = check_of(inputs, node);
  check.require_rank(kX, 1, kMaxDims);
  check.require_rank(kWeight, 2);
  ValueType y = ValueType::unranked(check_operands(check, node));
  if (check.ranked(kX)) {
    y = {y.dtype, check.dims(kX)};
    if (check.ranked(kWeight)) check.require_equal(kWeight, 1, y.dims.back(), "columns of x");
    y.dims.back() = check.ranked(kWeight) ? check.dims(kWeight)[0] : Dim::unknown();
  }
  require_addend(check, y);
  return {y};
}

std::vector<ValueType> map_codes(const RuleInputs& inputs, const Node& node) {
  constexpr std::int64_t kBytes = 256;
  const RuleCheck check(inputs, node, {"x", "table"});
  check.require_dtype(0, kCodes);
  check.require_dtype(1, kCodes);
  check.require_rank(1, 1);
  check.require_equal(1, 0, kBytes, "the codes of a byte");
  ValueType y = check.type(0);
  y.dtype = check.dtype(1);
  return {y};
}

std::vector<ValueType> code_arithmetic(const RuleInputs& inputs, const Node& node) {
  namespace pair = lathe::code_arithmetic;
  const RuleCheck check(
      inputs, node,
      {"a", "b", "a scale", "a zero point", "b scale", "b zero point", "y scale", "y zero point"});
  for (const auto input : {pair::kA, pair::kB, pair::kYZero}) check.require_dtype(input, kCodes);
  for (const auto scale : {pair::kAScale, pair::kBScale, pair::kYScale})
    require_number(check, scale, Dtype::f32, true);
  require_number(check, pair::kAZero, check.dtype(pair::kA), true);
  require_number(check, pair::kBZero, check.dtype(pair::kB), true);
  require_number(check, pair::kYZero, check.dtype(pair::kYZero), true);
  require_limits(check, node);
  if (!check.ranked(pair::kA) || !check.ranked(pair::kB))
    return {ValueType::unranked(check.dtype(pair::kYZero))};
  auto dims = shape_rules::broadcast_any(check.dims(pair::kA), check.dims(pair::kB));
  if (!dims) check.fail_input(pair::kB, "does not broadcast with a");
  return {{check.dtype(pair::kYZero), *std::move(dims)}};
}

}  // namespace lathe::rules
