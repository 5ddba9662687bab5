// The op table's rows, by family: a file op_rows_<family>.cc each. A new family is a line here and one in
// op_table.cc.
#pragma once

#include <limits>
#include <string_view>
#include <utility>
#include <vector>

#include "graph/op.h"

namespace lathe::op_rows {

inline constexpr double kRequired = std::numeric_limits<double>::quiet_NaN();
inline constexpr auto kInteger = AttributeKind::integer;
inline constexpr auto kReal = AttributeKind::real;
inline constexpr auto kText = AttributeKind::text;
inline constexpr int kNoAlias = -1;
inline constexpr int kManyInputs = 1 << 16;

/// A pure op whose rule may look at inputs' elements: those of `value_inputs` (bit i: input i).
inline Op value_row(std::string_view name, int min_inputs, int max_inputs, int outputs,
                    std::vector<AttributeSpec> attributes, FusionKind fusion, decltype(Op::infer_values) rule,
                    std::uint32_t value_inputs = 0) {
  Op op{name, min_inputs, max_inputs, outputs, std::move(attributes), fusion, true, kNoAlias, nullptr};
  op.infer_values = rule;
  op.value_inputs = value_inputs;
  return op;
}

std::vector<Op> core_rows();      // of language models, and what passes make
std::vector<Op> control_rows();   // that run graphs of their own
std::vector<Op> sequence_rows();  // on lists of tensors
std::vector<Op> string_rows();    // on texts
std::vector<Op> element_rows();   // element by element
std::vector<Op> array_rows();     // shapes, and moving elements
std::vector<Op> window_rows();    // convolution, pooling, resizing, images and signals
std::vector<Op> code_rows();      // products of codes, which passes make
std::vector<Op> product_rows();   // products, reductions, norms, quantization, attention, recurrence

}  // namespace lathe::op_rows
