// The inputs of ConvCodes and LinearCodes, which the shape rules, the passes that make the ops and the
// kernels share. Plain data, so that ISA files may include it.
//
//   v = float(sum of (x - x_zero) * weight) * factors[row] + bias[row] + addend
//   v = min(max(v, least), most)
//   y = v, or saturate(nearest_even(v / y_scale) + y_zero)
//
// The sum is exact in 32 bits (or wraps); the rest is float32, each operation rounded, in this order. A bias
// or addend that is absent is not added. Codes of the addend are (addend - addend_zero) * addend_scale. The
// greatest float32 as `least` or `most` is no bound. A NaN stays one; its code is the least that others can
// have.
#pragma once

namespace lathe::code_product {

enum Input : int {
  kX,            // i8 | u8
  kWeight,       // i8, the codes of a row around zero
  kFactors,      // f32[rows]: x scale * weight scale of the row
  kBias,         // f32[rows], or absent
  kXZero,        // of x's type, one number; the padding
  kAddend,       // f32 | i8 | u8 of y's shape, or absent
  kAddendScale,  // f32, one number, where the addend is codes
  kAddendZero,   // of the addend's type, one number, where it is codes
  kYScale,       // f32, one number, or absent: y is f32
  kYZero,        // of y's type, one number; absent with the scale
  kInputs
};

static inline float least_of(double attribute) {
  return attribute <= static_cast<double>(-__FLT_MAX__) ? -__builtin_inff() : static_cast<float>(attribute);
}
static inline float most_of(double attribute) {
  return attribute >= static_cast<double>(__FLT_MAX__) ? __builtin_inff() : static_cast<float>(attribute);
}

}  // namespace lathe::code_product
