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
//
// Where y has a zero point and no scale, factors are those of ONNX's QLinearConv and QLinearMatMul, y's scale
// in them, and there is neither addend nor bound:
//
//   y = saturate(nearest_even(real(sum of (x - x_zero) * weight + bias[row]) * factors[row] + y_zero))
//
// with i32 biases, whose sum wraps too, and real numbers in float64.
#pragma once

namespace lathe::code_product {

enum Input : int {
  kX,            // i8 | u8
  kWeight,       // i8, the codes of a row around zero
  kFactors,      // f32[rows]: x scale * weight scale of the row
  kBias,         // f32[rows], or absent; i32[rows] where y has no scale
  kXZero,        // of x's type, one number; the padding
  kAddend,       // f32 | i8 | u8 of y's shape, or absent
  kAddendScale,  // f32, one number, where the addend is codes
  kAddendZero,   // of the addend's type, one number, where it is codes
  kYScale,       // f32, one number, or absent
  kYZero,        // of y's type, one number; absent: y is f32
  kInputs
};

static inline float least_of(double attribute) {
  return attribute <= static_cast<double>(-__FLT_MAX__) ? -__builtin_inff() : static_cast<float>(attribute);
}
static inline float most_of(double attribute) {
  return attribute >= static_cast<double>(__FLT_MAX__) ? __builtin_inff() : static_cast<float>(attribute);
}

}  // namespace lathe::code_product
