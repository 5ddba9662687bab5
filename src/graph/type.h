// Types of values in a graph: an element type and a shape whose dimensions are numbers or named symbols.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <vector>

#include "tensor/dtype.h"

namespace lathe {

/// A dimension: `value` where `symbol` is empty, otherwise known only when the plan runs.
struct Dim {
  std::int64_t value = 0;
  std::string symbol;

  Dim() = default;
  template <std::integral Number>
  Dim(Number number) : value(static_cast<std::int64_t>(number)) {}  // NOLINT: numbers are dimensions
  Dim(std::string name) : symbol(std::move(name)) {}                // NOLINT: and so are names
  Dim(const char* name) : symbol(name) {}                           // NOLINT
  bool is_symbolic() const { return !symbol.empty(); }
  bool operator==(const Dim&) const = default;
};

using Dims = std::vector<Dim>;

struct ValueType {
  Dtype dtype = Dtype::f32;
  Dims dims;
  bool operator==(const ValueType&) const = default;
};

inline constexpr std::int64_t kMaxDim = std::int64_t{1} << 48;  // products of a few stay in 64 bits
inline constexpr std::size_t kMaxDims = 6;

/// As the text form has it: "f32[T, 576]".
std::string to_string(const ValueType& type);
std::string to_string(const Dim& dim);

/// Why no tensor can have this type, in words; empty where one can. Dimensions are 0 to kMaxDim, at most
/// kMaxDims of them, and the last one of a block type is a number that fills whole blocks.
std::string type_problem(const ValueType& type);

}  // namespace lathe
