// Shape rules: Einsum and Det.
#include "graph/einsum_equation.h"
#include "graph/rule_check.h"
#include "graph/shape_rules_product.h"

namespace lathe::shape_rules {

ProductTypes einsum(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"x"});
  std::vector<int> ranks;
  for (std::size_t i = 0; i < check.count(); ++i) {
    check.require_dtype(i, {Dtype::f32, Dtype::f64, Dtype::f16, Dtype::bf16, Dtype::i8, Dtype::i16,
                            Dtype::i32, Dtype::i64, Dtype::u8, Dtype::u16, Dtype::u32, Dtype::u64});
    check.require_same_dtype(i, 0);
    if (!check.ranked(i)) return {ValueType::unranked(check.dtype(0))};
    ranks.push_back(static_cast<int>(check.dims(i).size()));
  }
  const auto equation = parse_einsum(node.text("equation"), ranks);
  if (!equation) check.fail("the equation does not fit the inputs");
  Dims sizes(kMaxEinsumLetters, Dim(1));
  for (std::size_t i = 0; i < ranks.size(); ++i)
    for (std::size_t axis = 0; axis < check.dims(i).size(); ++axis) {
      const Dim& dim = check.dims(i)[axis];
      Dim& size = sizes[static_cast<std::size_t>(equation->operands[i].letters[axis])];
      if (dim == Dim(1)) continue;
      if (!(size == Dim(1)) && !may_equal(size, dim))
        check.fail_input(i, "dimension " + std::to_string(axis) + " must be " + to_string(size));
      if (size == Dim(1) || (size.is_symbolic() && !dim.is_symbolic())) size = dim;
      if (size.is_symbolic() && dim.is_symbolic() && !(size == dim)) size = Dim::unknown();
    }
  Dims dims;
  for (int i = 0; i < equation->output.count; ++i)
    dims.push_back(sizes[static_cast<std::size_t>(equation->output.letters[static_cast<std::size_t>(i)])]);
  return {{check.dtype(0), std::move(dims)}};
}

ProductTypes det(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"x"});
  check.require_dtype(0, {Dtype::f32, Dtype::f64, Dtype::f16, Dtype::bf16});
  check.require_rank(0, 2, kMaxDims);
  if (!check.ranked(0)) return {ValueType::unranked(check.dtype(0))};
  Dims dims = check.dims(0);
  check.require_equal(0, dims.size() - 1, dims[dims.size() - 2], "the matrix must be square");
  dims.resize(dims.size() - 2);
  return {{check.dtype(0), std::move(dims)}};
}

}  // namespace lathe::shape_rules
