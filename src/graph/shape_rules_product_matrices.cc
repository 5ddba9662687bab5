// Shape rules: products of matrices of any type.
#include <algorithm>

#include "graph/rule_check.h"
#include "graph/shape_rules_product.h"

namespace lathe::shape_rules {

std::optional<Dims> broadcast_any(const Dims& a, const Dims& b) {
  Dims result(std::max(a.size(), b.size()), Dim(1));
  for (std::size_t i = 0; i < result.size(); ++i) {  // from the back
    const Dim x = i < a.size() ? a[a.size() - 1 - i] : Dim(1);
    const Dim y = i < b.size() ? b[b.size() - 1 - i] : Dim(1);
    Dim& dim = result[result.size() - 1 - i];
    if (x == Dim(1))
      dim = y;
    else if (y == Dim(1) || x == y)
      dim = x;
    else if (x.is_symbolic() && y.is_symbolic())
      dim = Dim::unknown();
    else if (x.is_symbolic() || y.is_symbolic())
      dim = x.is_symbolic() ? y : x;
    else
      return std::nullopt;
  }
  return result;
}

/// numpy's: a [..., M, K] times b [..., K, N]; a vector is a row on the left and a column on the right.
ProductTypes mat_mul_any(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"a", "b"});
  check.require_dtype(
      0, {Dtype::f32, Dtype::f64, Dtype::f16, Dtype::bf16, Dtype::i32, Dtype::i64, Dtype::u32, Dtype::u64});
  check.require_same_dtype(1, 0);
  for (std::size_t i = 0; i < 2; ++i) check.require_rank(i, 1, kMaxDims);
  if (!check.ranked(0) || !check.ranked(1)) return {ValueType::unranked(check.dtype(0))};
  Dims a = check.dims(0);
  Dims b = check.dims(1);
  const bool row = a.size() == 1;
  const bool column = b.size() == 1;
  if (row) a.insert(a.begin(), Dim(1));
  if (column) b.emplace_back(1);
  if (!may_equal(b[b.size() - 2], a.back()))
    check.fail_input(1, "must have " + to_string(a.back()) + " rows (columns of a)");
  const Dim rows = a[a.size() - 2];
  const Dim columns = b.back();
  a.resize(a.size() - 2);
  b.resize(b.size() - 2);
  auto dims = broadcast_any(a, b);
  if (!dims) check.fail_input(1, "does not broadcast with a");
  if (!row) dims->push_back(rows);
  if (!column) dims->push_back(columns);
  return {{check.dtype(0), *std::move(dims)}};
}

/// a [M, K] or transposed, b [K, N] or transposed, c that broadcasts to [M, N] -> [M, N]
ProductTypes gemm(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"a", "b", "c"});
  check.require_dtype(
      0, {Dtype::f32, Dtype::f64, Dtype::f16, Dtype::bf16, Dtype::i32, Dtype::i64, Dtype::u32, Dtype::u64});
  check.require_same_dtype(1, 0);
  for (std::size_t i = 0; i < 2; ++i) check.require_rank(i, 2);
  const bool transposed[] = {check.integer("transA", 0, 1) != 0, check.integer("transB", 0, 1) != 0};
  const auto dim = [&](std::size_t input, std::size_t axis) {
    if (!check.ranked(input)) return Dim::unknown();
    return check.dims(input)[transposed[input] ? 1 - axis : axis];
  };
  if (!may_equal(dim(0, 1), dim(1, 0)))
    check.fail_input(1, "must have " + to_string(dim(0, 1)) + " rows (columns of a)");
  Dims result = {dim(0, 0), dim(1, 1)};
  if (check.has(2)) {
    check.require_same_dtype(2, 0);
    check.require_rank(2, 0, 2);
    if (check.ranked(2)) {
      const Dims& c = check.dims(2);
      for (std::size_t i = 0; i < c.size(); ++i)
        if (!(c[c.size() - 1 - i] == Dim(1)) && !may_equal(c[c.size() - 1 - i], result[1 - i]))
          check.fail_input(2, "does not broadcast to the product");
    }
  }
  return {{check.dtype(0), std::move(result)}};
}

}  // namespace lathe::shape_rules
