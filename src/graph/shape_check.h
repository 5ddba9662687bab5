// What shape rules are written with: expectations on inputs, whose failures name op, node, input and type.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.h"

namespace lathe {

/// What model files hold weights as.
inline bool is_file_dtype(Dtype dtype) { return dtype <= Dtype::q6_k; }
/// What float matmuls multiply activations of type `x` with.
inline bool is_float_factor(Dtype x, Dtype weight) {
  if (x == Dtype::bf16) return weight == Dtype::bf16 || weight == Dtype::packed_bf16;
  return is_file_dtype(weight) || is_packed_floats(weight);
}
/// What the 8-bit matmuls read.
inline bool is_packed_codes(Dtype dtype) { return dtype >= Dtype::packed4 && dtype <= Dtype::packed6k; }

class ShapeCheck {
 public:
  /// `input_names` are for messages, one for each input.
  ShapeCheck(std::span<const ValueType> inputs, const Node& node,
             std::initializer_list<std::string_view> input_names)
      : inputs_(inputs), node_(node), input_names_(input_names) {}

  const ValueType& type(std::size_t input) const { return inputs_[input]; }
  const Dim& dim(std::size_t input, std::size_t axis) const { return inputs_[input].dims[axis]; }
  const Dim& last_dim(std::size_t input) const { return inputs_[input].dims.back(); }

  void require_dtype(std::size_t input, Dtype dtype) const;
  void require_rank(std::size_t input, std::size_t rank) const;
  void require(std::size_t input, Dtype dtype, std::size_t rank) const {
    require_dtype(input, dtype);
    require_rank(input, rank);
  }
  /// `of` says whose dimension is expected: "columns of x".
  void require_dim(std::size_t input, std::size_t axis, const Dim& expected, std::string_view of) const;
  /// A dimension that must be a number, and 1 or more.
  std::int64_t number(std::size_t input, std::size_t axis) const;

  /// Input 0 an activation in f32 or bf16, input 1 a weight that it is multiplied with.
  void require_float_product() const;

  /// An integer attribute within [minimum, maximum].
  std::int64_t integer(std::string_view attribute, std::int64_t minimum, std::int64_t maximum) const;

  [[noreturn]] void fail(const std::string& message) const;
  [[noreturn]] void fail_input(std::size_t input, const std::string& message) const;

 private:
  std::span<const ValueType> inputs_;
  const Node& node_;
  std::vector<std::string_view> input_names_;
};

}  // namespace lathe
