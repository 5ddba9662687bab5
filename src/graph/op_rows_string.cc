// Texts. Their tensors' elements are numbers in a table of the run's (backend/text_table.h): ops that move
// elements are those of any type, Equal and LabelEncoder compare numbers, and these read or write texts.
#include "graph/op_rows.h"
#include "graph/shape_rules_element.h"
#include "graph/shape_rules_string.h"

namespace lathe::op_rows {

std::vector<Op> string_rows() {
  using enum FusionKind;
  using element_rules::Kinds;
  namespace rules = string_rules;
  return {
      // ours: Cast between texts and numbers
      value_row("CastFromString", 1, 1, 1, {{"to", kText, kRequired}}, opaque, rules::cast_from_string),
      value_row("CastToString", 1, 1, 1, {}, opaque, rules::cast_to_string),
      value_row("RegexFullMatch", 1, 1, 1, {{"pattern", kText, kRequired}}, opaque,
                element_rules::of<Kinds::strings, element_rules::same_as_bool>),
      value_row("StringConcat", 2, 2, 1, {}, opaque,
                element_rules::of<Kinds::strings, element_rules::broadcast_both>),
      // (x, stop words)
      value_row("StringNormalizer", 2, 2, 1,
                {{"case_change_action", kText, 0}, {"is_case_sensitive", kInteger, 0}}, opaque,
                rules::string_normalizer),
      // an empty delimiter: white space; maxsplit -1: no limit
      value_row("StringSplit", 1, 1, 2, {{"delimiter", kText, 0}, {"maxsplit", kInteger, -1}}, opaque,
                rules::string_split),
      // ours: texts that lie in bytes (graph/packed_texts.h) as a tensor
      value_row("Strings", 1, 1, 1, {{"shape", kText, kRequired}}, opaque, rules::strings),
  };
}

}  // namespace lathe::op_rows
