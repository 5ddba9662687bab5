// Rows of 8-bit activations as kernels expect them: normal numbers, quantized.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "cpu/portable/row_functions.h"

namespace lathe {

inline void fill_activation(std::byte* rows, std::int64_t tokens, std::int64_t columns) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> values(static_cast<std::size_t>(columns));
  for (std::int64_t t = 0; t < tokens; ++t) {
    for (float& value : values) value = normal(random);
    portable::quantize_blocks(values.data(), nullptr, 0, columns / kActivationBlock, columns,
                              reinterpret_cast<std::uint8_t*>(rows) + t * activation_row_bytes(columns));
  }
}

}  // namespace lathe
