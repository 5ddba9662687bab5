#include <string>

#include "graph/shape_rules_sampling.h"
#include "graph/window.h"

namespace lathe::rules {
namespace {

constexpr std::initializer_list<Dtype> kFloats = {Dtype::f32, Dtype::f64, Dtype::f16, Dtype::bf16};
constexpr std::initializer_list<Dtype> kIntegers = {Dtype::i32, Dtype::i64};

/// A whole number that a run gives, where it is known already.
std::optional<std::int64_t> whole(const RuleCheck& check, std::size_t input, std::int64_t least) {
  check.require_dtype(input, kIntegers);
  const auto length = check.length(input);
  if (length && *length != 1) check.fail_input(input, "must be one number");
  const auto list = check.integers(input);
  if (!list) return std::nullopt;
  const std::int64_t number = list->at(0);
  if (number < least || number > kMaxWindowNumber)
    check.fail_input(input,
                     "is " + std::to_string(number) + ", and must be " + std::to_string(least) + " to 2^31");
  return number;
}

Dtype output_dtype(const RuleCheck& check, const Node& node) {
  const auto dtype = dtype_named(node.text("dtype"));
  if (!dtype) check.fail("its type is not known");
  for (const auto each : kFloats)
    if (each == *dtype) return *dtype;
  check.fail("its type must be f32, f64, f16 or bf16");
}

}  // namespace

std::vector<ValueType> fourier_transform(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"x", "length", "axis"});
  check.require_dtype(0, kFloats);
  check.require_rank(0, 2, kMaxDims);
  const bool inverse = check.integer("inverse", 0, 1) == 1;
  const bool onesided = check.integer("onesided", 0, 1) == 1;
  const auto length = check.has(1) ? whole(check, 1, 1) : std::nullopt;
  std::optional<std::int64_t> axis = -2;
  if (check.has(2)) {
    check.require_dtype(2, kIntegers);
    const auto list = check.integers(2);
    if (list && list->size() != 1) check.fail_input(2, "must be one number");
    axis = list ? std::optional(list->at(0)) : std::nullopt;
  }
  if (!check.ranked(0)) return {ValueType::unranked(check.dtype(0))};
  Dims dims = check.dims(0);
  const std::size_t parts = dims.size() - 1;
  if (!may_equal(dims[parts], 1) && !may_equal(dims[parts], 2))
    check.fail_input(0, "must have one or two numbers an element");
  if (inverse && onesided) check.require_equal(0, parts, 2, "complex numbers");
  dims[parts] = inverse && onesided ? 1 : 2;
  if (!axis) {
    for (std::size_t i = 0; i < parts; ++i) dims[i] = Dim::unknown();
    return {{check.dtype(0), dims}};
  }
  const std::size_t along = check.axis(*axis, dims.size());
  if (along == parts) check.fail("the last axis holds complex numbers, and cannot be transformed");
  Dim size = dims[along];
  if (!size.is_symbolic() && size.value > kMaxWindowNumber) check.fail_input(0, "is too long");
  if (check.has(1))
    size = length ? Dim(*length) : Dim::unknown();
  else if (inverse && onesided)
    size = size.is_symbolic() ? Dim::unknown() : Dim(2 * (size.value - 1));
  if (onesided && !inverse) size = size.is_symbolic() ? Dim::unknown() : Dim(size.value / 2 + 1);
  if (!size.is_symbolic() && size.value < 1) check.fail_input(0, "has nothing to transform");
  dims[along] = size;
  return {{check.dtype(0), dims}};
}

std::vector<ValueType> short_time_fourier_transform(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"signal", "frame step", "window", "frame length"});
  check.require_dtype(0, kFloats);
  check.require_rank(0, 3);
  const bool onesided = check.integer("onesided", 0, 1) == 1;
  const auto step = whole(check, 1, 1);
  const Dims x = check.ranked(0) ? check.dims(0) : unknown_dims(3);
  if (!may_equal(x[2], 1) && !may_equal(x[2], 2))
    check.fail_input(0, "must have one or two numbers an element");
  if (onesided) check.require_equal(0, 2, 1, "onesided is for real signals");
  Dim length = x[1];
  if (check.has(2)) {
    check.require_same_dtype(2, 0);
    check.require_rank(2, 1);
    length = check.ranked(2) ? check.dims(2)[0] : Dim::unknown();
  }
  if (check.has(3)) {
    const auto given = whole(check, 3, 1);
    const Dim wanted = given ? Dim(*given) : Dim::unknown();
    if (check.has(2)) check.require_equal(2, 0, wanted, "the frame length");
    length = wanted;
  }
  ValueType result{check.dtype(0), {x[0], Dim::unknown(), Dim::unknown(), 2}};
  if (length.is_symbolic()) return {result};
  if (length.value < 1) check.fail("frames must have elements");
  if (length.value > kMaxWindowNumber) check.fail("frames are too long");
  result.dims[2] = onesided ? length.value / 2 + 1 : length.value;
  if (x[1].is_symbolic()) return {result};
  if (x[1].value < length.value) check.fail_input(0, "is shorter than a frame");
  if (step) result.dims[1] = (x[1].value - length.value) / *step + 1;
  return {result};
}

std::vector<ValueType> signal_window(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"size"});
  check.integer("periodic", 0, 1);
  const auto size = whole(check, 0, 0);
  return {{output_dtype(check, node), {size ? Dim(*size) : Dim::unknown()}}};
}

std::vector<ValueType> mel_weight_matrix(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"mel bins", "length", "sample rate", "lower edge", "upper edge"});
  const auto bins = whole(check, 0, 0);
  const auto length = whole(check, 1, 0);
  check.require_dtype(2, kIntegers);
  for (std::size_t i = 2; i < 5; ++i) {
    const auto count = check.length(i);
    if (count && *count != 1) check.fail_input(i, "must be one number");
    if (i > 2) check.require_dtype(i, kFloats);
  }
  return {{output_dtype(check, node),
           {length ? Dim(*length / 2 + 1) : Dim::unknown(), bins ? Dim(*bins) : Dim::unknown()}}};
}

}  // namespace lathe::rules
