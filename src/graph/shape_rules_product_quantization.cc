// Shape rules: ONNX's quantization.
#include <algorithm>

#include "base/error.h"
#include "graph/rule_check.h"
#include "graph/shape_rules_product.h"

namespace lathe::shape_rules {
namespace {

constexpr auto kFloats = {Dtype::f32, Dtype::f16, Dtype::bf16};
constexpr auto kScales = {Dtype::f32, Dtype::f16, Dtype::bf16, Dtype::i32, Dtype::f8e8m0};
constexpr auto kCodes = {Dtype::i8,     Dtype::u8,         Dtype::i16,   Dtype::u16,      Dtype::i4,
                         Dtype::u4,     Dtype::i2,         Dtype::u2,    Dtype::f8e4m3fn, Dtype::f8e4m3fnuz,
                         Dtype::f8e5m2, Dtype::f8e5m2fnuz, Dtype::f4e2m1};

bool is_code(Dtype dtype) { return std::find(kCodes.begin(), kCodes.end(), dtype) != kCodes.end(); }

/// A number, one for each index of the axis, or one for each block along it.
void require_scales(const RuleCheck& check, std::size_t input) {
  const auto block = check.integer("block_size", 0, kMaxDim);
  if (!check.has(input) || !check.ranked(input) || !check.ranked(0)) return;
  const Dims& own = check.dims(input);
  const Dims& x = check.dims(0);
  if (own.empty() || (own.size() == 1 && own[0] == Dim(1) && (block == 0 || x.size() != 1))) return;
  const auto axis = check.axis(check.integer("axis"), x.size());
  if (block == 0) {
    check.require_rank(input, 1);
    check.require_equal(input, 0, x[axis], "of x");
    return;
  }
  check.require_rank(input, x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    Dim expected = x[i];
    if (i == axis) expected = x[i].is_symbolic() ? Dim::unknown() : Dim((x[i].value + block - 1) / block);
    check.require_equal(input, i, expected, "blocks of x");
  }
}

/// A dtype from an attribute, which is -1 where it is not given.
std::optional<Dtype> given_dtype(const RuleCheck& check, std::string_view attribute) {
  const auto number = check.integer(attribute, -1, static_cast<std::int64_t>(kLastDtype));
  return number < 0 ? std::nullopt : std::optional(static_cast<Dtype>(number));
}

bool is_one(const Dims& dims) { return dims.empty() || (dims.size() == 1 && dims[0] == Dim(1)); }

/// Zeros lie as scales do.
void require_zeros(const RuleCheck& check, std::size_t input, std::size_t scales) {
  if (!check.has(input) || !check.ranked(input) || !check.ranked(scales)) return;
  if (is_one(check.dims(input)) && is_one(check.dims(scales))) return;
  check.require_rank(input, check.dims(scales).size());
  for (std::size_t i = 0; i < check.dims(scales).size(); ++i)
    check.require_equal(input, i, check.dims(scales)[i], "of the scales");
}

}  // namespace

ProductTypes quantize_linear(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"x", "scale", "zero_point"});
  check.require_dtype(0, {Dtype::f32, Dtype::f16, Dtype::bf16, Dtype::i32});
  check.require_dtype(1, kScales);
  const auto precision = given_dtype(check, "precision");
  if (precision && std::find(kFloats.begin(), kFloats.end(), *precision) == kFloats.end())
    check.fail("precision is no float type");
  auto dtype = given_dtype(check, "output_dtype");
  if (check.has(2)) {
    check.require_dtype(2, kCodes);
    if (dtype && *dtype != check.dtype(2)) check.fail_input(2, "must have the type of output_dtype");
    dtype = check.dtype(2);
  }
  if (!is_code(dtype.value_or(Dtype::u8))) check.fail("output_dtype is none that is quantized to");
  require_scales(check, 1);
  require_zeros(check, 2, 1);
  ValueType result = check.type(0);
  result.dtype = dtype.value_or(Dtype::u8);
  return {result};
}

ProductTypes dequantize_linear(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"x", "scale", "zero_point"});
  if (check.dtype(0) != Dtype::i32) check.require_dtype(0, kCodes);
  check.require_dtype(1, {Dtype::f32, Dtype::f16, Dtype::bf16, Dtype::f8e8m0});
  if (check.has(2)) check.require_same_dtype(2, 0);
  require_scales(check, 1);
  require_zeros(check, 2, 1);
  ValueType result = check.type(0);
  result.dtype = given_dtype(check, "output_dtype").value_or(check.dtype(1));
  if (std::find(kFloats.begin(), kFloats.end(), result.dtype) == kFloats.end())
    check.fail("the output's type must be f32, f16 or bf16");
  return {result};
}

ProductTypes dynamic_quantize_linear(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"x"});
  check.require_dtype(0, {Dtype::f32});
  ValueType result = check.type(0);
  result.dtype = Dtype::u8;
  return {result, {Dtype::f32, {}}, {Dtype::u8, {}}};
}

namespace {

/// The product's type, its rows and columns.
struct Product {
  ValueType type;
  Dim rows;
  Dim columns;
};

Product product_of_codes(const RuleCheck& check, std::size_t a, std::size_t b, Dtype result) {
  for (const auto input : {a, b}) {
    check.require_dtype(input, {Dtype::i8, Dtype::u8});
    check.require_rank(input, 1, kMaxDims);
  }
  if (!check.ranked(a) || !check.ranked(b))
    return {ValueType::unranked(result), Dim::unknown(), Dim::unknown()};
  Dims left = check.dims(a);
  Dims right = check.dims(b);
  const bool row = left.size() == 1;
  const bool column = right.size() == 1;
  if (row) left.insert(left.begin(), Dim(1));
  if (column) right.emplace_back(1);
  if (!may_equal(right[right.size() - 2], left.back()))
    check.fail_input(b, "must have " + to_string(left.back()) + " rows (columns of a)");
  const Dim rows = left[left.size() - 2];
  const Dim columns = right.back();
  left.resize(left.size() - 2);
  right.resize(right.size() - 2);
  auto dims = broadcast_any(left, right);
  if (!dims) check.fail_input(b, "does not broadcast with a");
  if (!row) dims->push_back(rows);
  if (!column) dims->push_back(columns);
  return {{result, *std::move(dims)}, rows, columns};
}

/// One number, a list of `count`, or with the matrices of the operand [..., M, 1] or [..., 1, N].
void require_factors(const RuleCheck& check, std::size_t input, std::size_t operand, const Dim& count,
                     bool of_rows) {
  if (!check.has(input) || !check.ranked(input)) return;
  const Dims& own = check.dims(input);
  if (is_one(own)) return;
  if (own.size() == 1) return check.require_equal(input, 0, count, "rows or columns");
  if (!check.ranked(operand)) return;
  Dims expected = check.dims(operand);
  if (expected.size() < 2) check.fail_input(input, "must be one number or a list");
  expected[expected.size() - (of_rows ? 1 : 2)] = 1;
  check.require_rank(input, expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i)
    check.require_equal(input, i, expected[i], "of the operand");
}

/// Only one scale for the whole output.
void require_one(const RuleCheck& check, std::size_t input) {
  if (!check.ranked(input)) return;
  for (const auto& dim : check.dims(input))
    if (!may_equal(dim, 1))
      throw Error(ErrorCode::unsupported, "QLinearMatMul with several scales or zeros of the output");
}

}  // namespace

ProductTypes mat_mul_integer(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"a", "b", "a_zero_point", "b_zero_point"});
  const Product product = product_of_codes(check, 0, 1, Dtype::i32);
  for (std::size_t i = 2; i < 4; ++i)
    if (check.has(i)) check.require_same_dtype(i, i - 2);
  require_factors(check, 2, 0, product.rows, true);
  require_factors(check, 3, 1, product.columns, false);
  return {product.type};
}

ProductTypes q_linear_mat_mul(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(
      inputs, node,
      {"a", "a_scale", "a_zero_point", "b", "b_scale", "b_zero_point", "y_scale", "y_zero_point"});
  check.require_dtype(7, {Dtype::i8, Dtype::u8});
  const Product product = product_of_codes(check, 0, 3, check.dtype(7));
  for (const std::size_t scale : {1, 4, 6}) check.require_dtype(scale, kFloats);
  check.require_same_dtype(2, 0);
  check.require_same_dtype(5, 3);
  for (const std::size_t i : {1, 2}) require_factors(check, i, 0, product.rows, true);
  for (const std::size_t i : {4, 5}) require_factors(check, i, 3, product.columns, false);
  for (const std::size_t i : {6, 7}) require_one(check, i);
  return {product.type};
}

}  // namespace lathe::shape_rules
