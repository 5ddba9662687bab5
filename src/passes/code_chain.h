// What stands behind a product of codes, as far as ConvCodes and LinearCodes do it.
#pragma once

#include "passes/tensor_codes.h"

namespace lathe {

/// Inputs of the op on codes, those of the product (graph/code_product.h).
struct CodeOperands {
  ValueId x = kNoValue;
  ValueId weight = kNoValue;   // constant i8 [rows, ...]
  ValueId factors = kNoValue;  // f32: one number, or one for each row as is_of_rows() has them
  ValueId bias = kNoValue;     // f32 [rows], or kNoValue
  ValueId x_zero = kNoValue;
};

/// The axis of the product's result that the weight's rows are.
std::size_t rows_axis(const Node& product, const Dims& result);

/// Puts ConvCodes or LinearCodes in the place of the product, whose result in float32 the node at `last`
/// gives, and of what is behind it: an Add of one number for each row, an Add of what has the result's shape,
/// Relu or Clip, and a QuantizeLinear, each read by the next alone. It has the product's name.
bool fuse_code_chain(Graph& graph, const Uses& uses, const Node& product, std::size_t last,
                     const CodeOperands& operands);

}  // namespace lathe
