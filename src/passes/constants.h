// What a constant of the graph holds, for rewrites that depend on numbers, and new ones.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "graph/graph.h"

namespace lathe {

/// Whether it is a float32 constant whose elements are there.
inline bool is_known_f32(const Value& value) {
  return value.kind == ValueKind::constant && value.data.data != nullptr && value.type.dtype == Dtype::f32;
}

inline ValueId add_numbers(Graph& graph, const std::string& name, std::vector<float> numbers, Shape shape) {
  const auto kept = std::make_shared<const std::vector<float>>(std::move(numbers));
  return graph.add_constant(
      name, {reinterpret_cast<const std::byte*>(kept->data()), Dtype::f32, std::move(shape)}, kept);
}

/// f32 [numbers]
inline ValueId add_numbers(Graph& graph, const std::string& name, std::vector<float> numbers) {
  Shape shape = {std::ssize(numbers)};
  return add_numbers(graph, name, std::move(numbers), std::move(shape));
}

/// Element i of a float32 constant.
inline float constant_element(const Value& value, std::size_t i) {
  float element = 0;
  std::memcpy(&element, value.data.data + i * sizeof element, sizeof element);
  return element;
}

/// The number of a float32 constant with one element; empty for everything else.
inline std::optional<double> scalar_constant(const Graph& graph, ValueId id) {
  const auto& value = graph.value(id);
  if (!is_known_f32(value)) return std::nullopt;
  if (element_count(value.data.shape) != 1) return std::nullopt;
  return static_cast<double>(constant_element(value, 0));
}

/// Whether the value is a float32 constant whose elements all are `number`. Large ones are not looked at.
inline bool is_constant_of(const Graph& graph, ValueId id, float number) {
  constexpr std::int64_t kMostElements = 1 << 16;
  const auto& value = graph.value(id);
  if (!is_known_f32(value)) return false;
  const auto count = element_count(value.data.shape);
  if (count < 1 || count > kMostElements) return false;
  for (std::int64_t i = 0; i < count; ++i)
    if (constant_element(value, static_cast<std::size_t>(i)) != number) return false;
  return true;
}

}  // namespace lathe
