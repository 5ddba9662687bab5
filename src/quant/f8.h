// The two 8-bit floats of weights, decoded exactly. One file each: f8_e4m3.cc, f8_e5m2.cc.
#pragma once

#include <cstdint>

namespace lathe {

float f8_e4m3_to_float(std::uint8_t bits);
float f8_e5m2_to_float(std::uint8_t bits);

}  // namespace lathe
