// What a constant of the graph holds, for rewrites that depend on numbers.
#pragma once

#include <cstddef>
#include <cstring>
#include <optional>

#include "graph/graph.h"

namespace lathe {

/// Element i of a float32 constant.
inline float constant_element(const Value& value, std::size_t i) {
  float element = 0;
  std::memcpy(&element, value.data.data + i * sizeof element, sizeof element);
  return element;
}

/// The number of a float32 constant with one element; empty for everything else.
inline std::optional<double> scalar_constant(const Graph& graph, ValueId id) {
  const auto& value = graph.value(id);
  if (value.kind != ValueKind::constant || value.data.data == nullptr || value.type.dtype != Dtype::f32)
    return std::nullopt;
  if (element_count(value.data.shape) != 1) return std::nullopt;
  return static_cast<double>(constant_element(value, 0));
}

/// Whether the value is a float32 constant whose elements all are `number`. Large ones are not looked at.
inline bool is_constant_of(const Graph& graph, ValueId id, float number) {
  constexpr std::int64_t kMostElements = 1 << 16;
  const auto& value = graph.value(id);
  if (value.kind != ValueKind::constant || value.data.data == nullptr || value.type.dtype != Dtype::f32)
    return false;
  const auto count = element_count(value.data.shape);
  if (count < 1 || count > kMostElements) return false;
  for (std::int64_t i = 0; i < count; ++i)
    if (constant_element(value, static_cast<std::size_t>(i)) != number) return false;
  return true;
}

}  // namespace lathe
