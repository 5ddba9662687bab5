// Constants of graphs in text whose names say what they hold:
//   %half: f32[] = constant "0.5"                 that number in every element; "0.5 again" is another one
//   %mask: f32[4, 4] = constant "causal -inf"     0 on and below the diagonal, the number above
//   %sees: i8[4, 4] = constant "sees"             1 on and below the diagonal; "hides" 1 above
//   %w: f32[4, 8] = constant "random w"           normal, the same for the same name
#pragma once

#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace lathe::test {

inline std::pair<TensorView, std::shared_ptr<const void>> number_constant(const std::string& name,
                                                                          const ValueType& type) {
  Shape shape;
  for (const auto& dim : type.dims) shape.push_back(dim.value);
  const auto bytes = std::make_shared<std::vector<std::byte>>(dense_bytes(type.dtype, shape));
  const auto columns = shape.empty() ? 1 : shape.back();
  const auto rows = shape.size() < 2 ? 1 : shape[shape.size() - 2];
  std::mt19937 random(static_cast<std::uint32_t>(std::hash<std::string>{}(name)));
  std::normal_distribution<float> normal;
  const bool causal = name.starts_with("causal ");
  const float number =
      name.starts_with("random") || type.dtype != Dtype::f32 ? 0 : std::stof(causal ? name.substr(7) : name);
  for (std::int64_t i = 0; i < element_count(shape); ++i) {
    const bool above = i % columns > i / columns % rows;
    if (type.dtype == Dtype::i8) {
      (*bytes)[static_cast<std::size_t>(i)] = std::byte{above == (name.starts_with("hides"))};
      continue;
    }
    auto* element = reinterpret_cast<float*>(bytes->data()) + i;
    *element = name.starts_with("random") ? normal(random) : (causal && !above ? 0 : number);
  }
  return {TensorView{bytes->data(), type.dtype, shape}, bytes};
}

}  // namespace lathe::test
