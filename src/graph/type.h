// Types of values in a graph: an element type and a shape whose dimensions are numbers or named symbols.
#pragma once

#include <compare>
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
  Dim(std::int64_t number) : value(number) {}               // NOLINT: numbers are dimensions
  Dim(std::string name) : symbol(std::move(name)) {}        // NOLINT: and so are names
  Dim(const char* name) : symbol(name) {}                   // NOLINT
  bool is_symbolic() const { return !symbol.empty(); }
  bool operator==(const Dim&) const = default;
};

using Dims = std::vector<Dim>;

struct ValueType {
  Dtype dtype = Dtype::f32;
  Dims dims;
  bool operator==(const ValueType&) const = default;
};

/// As the text form has it: "f32[T, 576]".
std::string to_string(const ValueType& type);

}  // namespace lathe
