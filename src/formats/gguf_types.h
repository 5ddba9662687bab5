// The element and block types that GGUF numbers, by ggml's numbering.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "tensor/dtype.h"

namespace lathe {

struct GgufTensorType {
  std::string_view name;         // empty: a number that no file may use
  std::uint32_t block_elements;  // along the row
  std::uint32_t block_bytes;
  std::optional<Dtype> dtype;  // empty: known, so that the file can be checked, but not offered
};

/// nullptr for numbers that were never used or were withdrawn.
const GgufTensorType* gguf_tensor_type(std::uint32_t number);
/// Empty for our own types.
std::optional<std::uint32_t> gguf_type_number(Dtype dtype);

}  // namespace lathe
