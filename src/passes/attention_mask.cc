#include "passes/attention_mask.h"

#include "passes/constants.h"

namespace lathe {
namespace {

/// Whether the constant has the scores' rows and columns and `seen(element)` holds exactly from column 0 to
/// the row's own; `hidden` must hold elsewhere.
template <class Seen, class Hidden>
bool is_causal(const Value& value, const Dims& scores, Seen seen, Hidden hidden) {
  if (value.kind != ValueKind::constant || value.data.data == nullptr) return false;
  const auto& shape = value.data.shape;
  if (shape.size() < 2 || scores.size() < 2) return false;
  for (std::size_t axis = 0; axis + 2 < shape.size(); ++axis)
    if (shape[axis] != 1) return false;
  const auto rows = shape[shape.size() - 2];
  const auto columns = shape.back();
  if (scores[scores.size() - 2] != Dim(rows) || scores.back() != Dim(columns)) return false;
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < columns; ++j) {
      const auto at = static_cast<std::size_t>(i * columns + j);
      if (!(j <= i ? seen(at) : hidden(at))) return false;
    }
  return true;
}

}  // namespace

bool is_causal_addend(const Graph& graph, ValueId mask, const Dims& scores, float hidden) {
  const auto& value = graph.value(mask);
  if (value.type.dtype != Dtype::f32) return false;
  return is_causal(
      value, scores, [&value](std::size_t i) { return constant_element(value, i) == 0; },
      [&value, hidden](std::size_t i) { return constant_element(value, i) <= hidden; });
}

bool is_causal_condition(const Graph& graph, ValueId condition, const Dims& scores, bool inverted) {
  const auto& value = graph.value(condition);
  if (value.type.dtype != Dtype::i8) return false;
  const auto holds = [&value](std::size_t i) { return value.data.data[i] != std::byte{0}; };
  return is_causal(
      value, scores, [=](std::size_t i) { return holds(i) != inverted; },
      [=](std::size_t i) { return holds(i) == inverted; });
}

}  // namespace lathe
