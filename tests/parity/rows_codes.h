// Cases of products of codes.
#pragma once

#include <array>

#include "graph/graph.h"
#include "parity/rows.h"

namespace lathe::parity {

/// What a product of codes is made of beside its shape.
struct CodeKind {
  Dtype x = Dtype::u8;
  Dtype y = Dtype::f32;
  Dtype addend = Dtype::none;
  bool bias = true;
  bool in_one_step = false;  // y has no scale, and the bias is whole
};

/// Each type of each operand.
std::span<const CodeKind> code_kinds();

/// Outputs of a few tens, so that some of their codes are held in the range and most are not. Throws where
/// the op's rule refuses the shapes.
Case code_case(std::string_view op, const Shape& x, const Shape& weight, const CodeKind& kind,
               Attributes attributes);

/// AddCodes, SubCodes or MulCodes of codes of these types, about a third of whose results are held in the
/// range.
Case arithmetic_case(std::string_view op, const Shape& a, const Shape& b, const std::array<Dtype, 3>& types,
                     double least, double most);

/// All rows of op_rows_codes.cc.
std::vector<Row> code_rows();

}  // namespace lathe::parity
