// The two 16-bit floats as bit patterns, converted exactly and rounded to nearest even.
//   fp16: sign 1 | exponent 5 (bias 15) | mantissa 10        bf16: sign 1 | exponent 8 (bias 127) | mantissa
//   7
#pragma once

#include <cstdint>

namespace lathe {

float half_to_float(std::uint16_t bits);
std::uint16_t float_to_half(float value);
float bfloat_to_float(std::uint16_t bits);
std::uint16_t float_to_bfloat(float value);

}  // namespace lathe
