// What shape rules of ONNX's ops are written with, whose inputs may be of any rank, left out, or not known
// before a run: expectations, and what can be said about dimensions and elements.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "graph/infer.h"

namespace lathe {

class RuleCheck {
 public:
  /// `input_names` are for messages, one for each input; the last one stands for all behind it.
  RuleCheck(const RuleInputs& inputs, const Node& node, std::initializer_list<std::string_view> input_names)
      : inputs_(inputs), node_(node), input_names_(input_names) {}

  /// Whether the input is there: ONNX lets inputs be left out in the middle too.
  bool has(std::size_t input) const {
    return input < inputs_.types.size() && inputs_.types[input].dtype != Dtype::none;
  }
  std::size_t count() const { return inputs_.types.size(); }
  const ValueType& type(std::size_t input) const { return inputs_.types[input]; }
  Dtype dtype(std::size_t input) const { return inputs_.types[input].dtype; }
  /// Of a ranked input.
  const Dims& dims(std::size_t input) const { return inputs_.types[input].dims; }
  bool ranked(std::size_t input) const { return inputs_.types[input].ranked; }

  /// Elements of an i64 or i32 tensor of at most one dimension, where they are known.
  std::optional<std::vector<std::int64_t>> integers(std::size_t input) const;
  /// The same where they are known or follow from dimensions, which may leave some of them "?".
  Elements sizes(std::size_t input) const;
  const SymbolRanges& symbols() const;
  /// How many elements a tensor of at most one dimension has, where that is known.
  std::optional<std::int64_t> length(std::size_t input) const;
  /// The tensor itself, where its elements are known; data is null otherwise.
  const TensorView& value(std::size_t input) const { return inputs_.values[input]; }

  void require_dtype(std::size_t input, std::initializer_list<Dtype> dtypes) const;
  void require_same_dtype(std::size_t input, std::size_t as) const;
  void require_rank(std::size_t input, std::size_t rank) const;
  void require_rank(std::size_t input, std::size_t least, std::size_t most) const;
  /// Fails unless the two may be equal.
  void require_equal(std::size_t input, std::size_t axis, const Dim& expected, std::string_view of) const;

  std::int64_t integer(std::string_view attribute) const { return node_.integer(attribute); }
  std::int64_t integer(std::string_view attribute, std::int64_t least, std::int64_t most) const;
  /// Of an attribute that is a list of integers in text.
  std::vector<std::int64_t> integers_of(std::string_view attribute) const;
  /// An axis of a tensor of `rank` dimensions, counted from the back where negative.
  std::size_t axis(std::int64_t given, std::size_t rank) const;

  [[noreturn]] void fail(const std::string& message) const;
  [[noreturn]] void fail_input(std::size_t input, const std::string& message) const;

 private:
  const RuleInputs& inputs_;
  const Node& node_;
  std::vector<std::string_view> input_names_;
};

/// a + b and a * b of dimensions. Throw Error(invalid_argument) where a number is beyond kMaxDim.
Dim add_dims(const Dim& a, const Dim& b);
Dim multiply_dims(const Dim& a, const Dim& b);
/// Product of dims[first, last).
Dim product_of(const Dims& dims, std::size_t first, std::size_t last);
/// Whether both may be one number.
bool may_equal(const Dim& a, const Dim& b);
/// `count` dimensions that only a run knows.
Dims unknown_dims(std::size_t count);

}  // namespace lathe
