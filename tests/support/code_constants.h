// Constants of graphs with codes in text, whose names say what they hold: floats as in number_constants.h,
// and
//   %z: u8[] = constant "128"           that code in every element; "128 again" is another one
//   %w: i8[4, 8] = constant "random w"  codes of the whole range, the same for the same name
//   %s: i64[2] = constant "0, 2"        these numbers
#pragma once

#include <cstring>

#include "graph/text_lists.h"
#include "support/number_constants.h"

namespace lathe::test {

template <class Integer>
void fill_integers(const std::string& name, std::byte* bytes, std::size_t count) {
  std::mt19937 random(static_cast<std::uint32_t>(std::hash<std::string>{}(name)));
  const auto list = parse_integers(name);
  for (std::size_t i = 0; i < count; ++i) {
    const std::int64_t number = list ? list->at(list->size() == 1 ? 0 : i)
                                     : (name.starts_with("random") ? random() : std::stoi(name));
    const auto element = static_cast<Integer>(number);
    std::memcpy(bytes + i * sizeof element, &element, sizeof element);
  }
}

inline std::pair<TensorView, std::shared_ptr<const void>> code_constant(const std::string& name,
                                                                        const ValueType& type) {
  if (type.dtype == Dtype::f32) return number_constant(name, type);
  Shape shape;
  for (const auto& dim : type.dims) shape.push_back(dim.value);
  const auto bytes = std::make_shared<std::vector<std::byte>>(dense_bytes(type.dtype, shape));
  const auto count = static_cast<std::size_t>(element_count(shape));
  bytes->reserve(1);
  if (type.dtype == Dtype::i64)
    fill_integers<std::int64_t>(name, bytes->data(), count);
  else if (type.dtype == Dtype::i32)
    fill_integers<std::int32_t>(name, bytes->data(), count);
  else
    fill_integers<std::int8_t>(name, bytes->data(), count);
  return {TensorView{bytes->data(), type.dtype, shape}, bytes};
}

}  // namespace lathe::test
