// Types of values in a graph: an element type and a shape whose dimensions are numbers or named symbols.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <vector>

#include "tensor/dtype.h"

namespace lathe {

/// A dimension: `value` where `symbol` is empty, otherwise known only when the plan runs. Equal symbols are
/// equal numbers, but for "?", which depends on what tensors hold and equals nothing, itself included.
struct Dim {
  std::int64_t value = 0;
  std::string symbol;

  Dim() = default;
  template <std::integral Number>
  Dim(Number number) : value(static_cast<std::int64_t>(number)) {}  // NOLINT: numbers are dimensions
  Dim(std::string name) : symbol(std::move(name)) {}                // NOLINT: and so are names
  Dim(const char* name) : symbol(name) {}                           // NOLINT
  bool is_symbolic() const { return !symbol.empty(); }
  bool is_unknown() const { return symbol == "?"; }
  static Dim unknown() { return Dim("?"); }
  bool operator==(const Dim& other) const {
    return !is_unknown() && value == other.value && symbol == other.symbol;
  }
};

using Dims = std::vector<Dim>;

/// What a value is made of tensors: one, a list of any length, or one or a list that may not be there.
enum class Container : std::uint8_t { tensor, sequence, optional, optional_sequence };

/// The type of a tensor; of the other containers, that of their tensors.
struct ValueType {
  Dtype dtype = Dtype::f32;
  Dims dims;
  bool ranked = true;  // false: how many dimensions there are depends on what tensors hold; dims is empty

  Container container = Container::tensor;

  static ValueType unranked(Dtype dtype) { return {dtype, {}, false, Container::tensor}; }
  /// False where it is not known yet.
  bool operator==(const ValueType& other) const {
    return ranked && other.ranked && container == other.container && dtype == other.dtype &&
           dims == other.dims;
  }
};

inline constexpr std::int64_t kMaxDim = std::int64_t{1} << 48;  // products of a few stay in 64 bits
inline constexpr std::size_t kMaxDims = 8;

/// Whether a plan can give the value its place before it runs: rank and dimensions are numbers or symbols.
bool is_planned(const ValueType& type);

/// As the text form has it: "f32[T, 576]"; "f32[...]" where the rank is not known; "seq(f32[...])",
/// "opt(f32[2])" and "opt(seq(f32[2]))" of containers.
std::string to_string(const ValueType& type);
std::string to_string(const Dim& dim);

/// Why no tensor can have this type, in words; empty where one can. Dimensions are 0 to kMaxDim, at most
/// kMaxDims of them, and the last one of a block type is a number that fills whole blocks.
std::string type_problem(const ValueType& type);

}  // namespace lathe
