// Sequences and optionals: lists of tensors of one type, each with dimensions of its own, and values that may
// not be there.
#include "graph/op_rows.h"
#include "graph/shape_rules_sequence.h"

namespace lathe::op_rows {

std::vector<Op> sequence_rows() {
  namespace rules = shape_rules;
  constexpr auto kOpaque = FusionKind::opaque;
  std::vector<Op> rows = {
      value_row("ConcatFromSequence", 1, 1, 1, {{"axis", kInteger, kRequired}, {"new_axis", kInteger, 0}},
                kOpaque, rules::concat_from_sequence),
      // dtype and sequence: of one that is not there
      value_row("Optional", 0, 1, 1, {{"dtype", kText, 0}, {"sequence", kInteger, 0}}, kOpaque,
                rules::optional),
      value_row("OptionalGetElement", 1, 1, 1, {}, kOpaque, rules::optional_get_element),
      value_row("OptionalHasElement", 0, 1, 1, {}, kOpaque, rules::optional_has_element),
      value_row("SequenceAt", 2, 2, 1, {}, kOpaque, rules::sequence_at),
      value_row("SequenceConstruct", 1, kManyInputs, 1, {}, kOpaque, rules::sequence_construct),
      value_row("SequenceEmpty", 0, 0, 1, {{"dtype", kText, kRequired}}, kOpaque, rules::sequence_empty),
      value_row("SequenceErase", 1, 2, 1, {}, kOpaque, rules::sequence_erase),
      value_row("SequenceInsert", 2, 3, 1, {}, kOpaque, rules::sequence_insert),
      value_row("SequenceLength", 1, 1, 1, {}, kOpaque, rules::sequence_length),
      // (sequence, sequences and tensors, what the body takes); the body: (an element of each, taken) ->
      // elements
      value_row("SequenceMap", 1, kManyInputs, kAnyOutputs, {}, kOpaque, rules::sequence_map),
      value_row("SplitToSequence", 1, 2, 1, {{"axis", kInteger, 0}, {"keepdims", kInteger, 1}}, kOpaque,
                rules::split_to_sequence),
  };
  for (auto& row : rows)
    if (row.name == "SequenceMap") row.bodies = 1;
  return rows;
}

}  // namespace lathe::op_rows
