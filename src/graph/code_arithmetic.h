// The inputs of AddCodes, SubCodes and MulCodes, which the shape rule, the pass that makes the ops and the
// kernels share. Plain data, so that ISA files may include it.
//
//   v = (a - a_zero) * a_scale  +, - or *  (b - b_zero) * b_scale
//   y = saturate(nearest_even(min(max(v, least), most) / y_scale) + y_zero)
//
// Each operation is rounded to float32, in this order. a and b broadcast. The greatest float32 as `least` or
// `most` is no bound.
#pragma once

namespace lathe::code_arithmetic {

enum Input : int {
  kA,  // i8 | u8
  kB,  // i8 | u8
  kAScale,
  kAZero,  // of a's type
  kBScale,
  kBZero,  // of b's type
  kYScale,
  kYZero,  // of y's type
  kInputs
};

}  // namespace lathe::code_arithmetic
