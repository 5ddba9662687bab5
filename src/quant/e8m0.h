// E8M0, the scale of microscaling formats: eight bits of exponent (bias 127) and nothing else.
#pragma once

#include <bit>
#include <cstdint>

namespace lathe {

/// 2^(bits - 128), half of the number, for codes that are stored doubled. Exact, the two smallest as
/// subnormal floats. 255, which is NaN in E8M0, counts as an exponent like any other, as in the `gguf`
/// package.
constexpr float half_of_e8m0(std::uint8_t bits) {
  const std::uint32_t exponent = bits;
  return std::bit_cast<float>(exponent < 2 ? 0x0020'0000u << exponent : (exponent - 1) << 23);
}

}  // namespace lathe
