// What the elements of small whole-number tensors are, as far as they follow from dimensions: shapes on their
// way from Shape to Reshape, through the ops that networks compute sizes with.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graph/dim_expression.h"
#include "graph/graph.h"

namespace lathe {

/// Of an i64, i32 or bool tensor of at most one dimension: numbers, which may be below zero, dimensions, and
/// "?". Empty where nothing is known.
using Elements = std::optional<std::vector<Dim>>;

inline constexpr std::size_t kMostElements = 64;

struct SizeInputs {
  const Node& node;
  std::span<const ValueType> types;    // of the inputs
  std::span<const Elements> elements;  // of the inputs
  std::span<const ValueType> outputs;
  const SymbolRanges& symbols;
};

/// Of each output. Equal to what the op's kernels give for any numbers that the symbols may be.
std::vector<Elements> size_elements(const SizeInputs& inputs);

/// Of a tensor whose bytes are known.
Elements elements_of(const TensorView& view);

/// "d1.0" is dimension 0 of input 1 in what the op Sizes computes with.
struct DimPlace {
  std::size_t input = 0;
  std::size_t axis = 0;
};
std::optional<DimPlace> named_place(std::string_view name);
std::string place_name(const DimPlace& place);

/// Whether there are elements, and all of them are numbers, or dimensions and numbers.
bool are_numbers(const Elements& elements);
bool are_known(const Elements& elements);

}  // namespace lathe
