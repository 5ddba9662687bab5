// The op vocabulary: one table row per op (op_table.cc). Names and meanings are ONNX's (opset 23 and later)
// where ONNX has the op; the others are marked in the table.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graph/type.h"

namespace lathe {

enum class AttributeKind : std::uint8_t {
  integer,
  real,
  text,
  program,  // text of a FusedProgram; kernels get it compiled
};

struct AttributeSpec {
  std::string_view name;
  AttributeKind kind;
  double default_value;  // NaN: must be given; of text and programs otherwise: empty
};

/// How an op may be fused; passes are written on these kinds, not on names.
enum class FusionKind : std::uint8_t { pointwise, broadcast, reduction, matmul, shuffle, opaque };

struct Node;        // graph.h
struct RuleInputs;  // infer.h

inline constexpr int kAnyOutputs = -1;

struct Op {
  std::string_view name;
  int min_inputs;
  int max_inputs;
  int outputs;  // kAnyOutputs: as many as `infer` gives
  std::vector<AttributeSpec> attributes;
  FusionKind fusion;
  bool pure;          // same inputs, same result, and no effect: may be merged, folded and removed
  int aliases_input;  // output 0 shares this input's bytes: a view where `pure`, else changed in place; -1:
                      // none
  /// The types of the outputs from the inputs' types and the attributes. Throws Error(invalid_argument)
  /// naming what does not fit. The node's arity and attributes have been checked before.
  std::vector<ValueType> (*infer)(std::span<const ValueType> inputs, const Node& node);
  bool commutative = false;  // inputs 0 and 1 may change places where their types agree
  /// In place of `infer` where types depend on inputs' elements, may be of any rank, or lack inputs. Gives
  /// "?" and types without rank where something is not known yet.
  std::vector<ValueType> (*infer_values)(const RuleInputs& inputs, const Node& node) = nullptr;
  std::uint32_t value_inputs = 0;  // bit i: the rule reads input i's elements
  int bodies = 0;                  // graphs that a node has: 1 of Loop and Scan, 2 of If
  bool reads_shape_alone = false;  // the result depends on input 0's dimensions, and not on its elements
};

/// The row, or nullptr where there is no such op.
const Op* find_op(std::string_view name);

/// All rows, sorted by name.
std::span<const Op> all_ops();

}  // namespace lathe
