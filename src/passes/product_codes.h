// The weight of a product as ops on codes read it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "passes/tensor_codes.h"

namespace lathe {

struct WeightCodes {
  ValueId codes = kNoValue;    // constant i8 [rows, ...], their zeros taken off
  ValueId factors = kNoValue;  // constant f32 [rows]: their scales times x's
};

/// Of a product whose weight is a DequantizeLinear of a constant, transposed or not: whole codes of 8 bits or
/// less, with one scale and zero or one for each row. Empty, and nothing has changed, where that is not so,
/// where codes without their zeros do not fit into i8, where a sum of their products with codes of 8 bits
/// might not fit into i32, or where factors are too small or too large for all their bits.
std::optional<WeightCodes> weight_codes(Graph& graph, const Uses& uses, const Node& product, float x_step);

/// The weight of a ConvInteger, or of a MatMulInteger `by_columns`, as i8 [rows, ...]: a constant, and its
/// zeros or kNoValue. kNoValue, and nothing has changed, where it is none, or its codes or sums do not fit as
/// above. In two parts it is [rows, 2 channels, ...] or [rows, 2 columns], for x twice, whose second half
/// holds what does not fit into the first.
ValueId integer_weight(Graph& graph, ValueId weight, ValueId zeros, bool by_columns, int parts = 1);

/// Whether the constant has one number for each of `rows`, or one for all: all its dimensions are 1 but the
/// one that broadcasts with `axis` of a value of `rank` dimensions.
bool is_constant_of_rows(const Graph& graph, ValueId id, std::size_t rank, std::size_t axis,
                         std::int64_t rows);

/// Such a constant as f32 [rows].
ValueId constant_of_rows(Graph& graph, ValueId id, std::int64_t rows);

}  // namespace lathe
