// What the 8-bit codes of QuantizeLinear and DequantizeLinear mean, where one scale and one zero for the
// whole tensor are known ahead; and which products run on such codes.
#pragma once

#include <cstdint>
#include <optional>

#include "graph/graph.h"
#include "passes/uses.h"

namespace lathe {

inline constexpr ValueId kNoValue = -1;

/// number = (code - zero_code) * step
struct CodeScale {
  ValueId scale = kNoValue;  // f32, one number
  ValueId zero = kNoValue;   // of the codes' type, one number; kNoValue: not given, and 0
  float step = 0;            // positive; 256 steps are a normal number too
  std::int32_t zero_code = 0;
  Dtype dtype = Dtype::u8;  // i8 or u8

  /// Whether no code means a number below zero.
  bool starts_at_zero() const { return zero_code == (dtype == Dtype::i8 ? -128 : 0); }
  bool means_the_same(const CodeScale& other) const {
    return step == other.step && zero_code == other.zero_code && dtype == other.dtype;
  }
};

/// Of a QuantizeLinear from f32, or a DequantizeLinear to f32.
std::optional<CodeScale> code_scale(const Graph& graph, const Node& node);

/// Of the DequantizeLinear that makes the value, and what it is made from.
std::optional<CodeScale> dequantized(const Graph& graph, const Uses& uses, ValueId id, ValueId& codes);

/// The zero as an input of an op: a new constant where it is not given.
ValueId zero_of(Graph& graph, const CodeScale& scale);

/// Code i of a constant whose elements are whole numbers of a byte or less.
std::int32_t constant_code(const Value& constant, std::size_t i);

/// Conv, Gemm, Linear or MatMul: input 0 times the weight that is input 1.
bool is_product(const Node& node);

/// Conv or ConvInteger.
bool is_convolution(const Node& node);

/// Whether the value is dequantized, but for what only moves, cuts or keeps back elements.
bool comes_from_codes(const Graph& graph, const Uses& uses, ValueId id);

}  // namespace lathe
