// fp32: IEEE 754 binary32, what "float" is.
//
//   31  30           23  22                                          0
//   [s] [e e e e e e e e] [m m m m m m m m m m m m m m m m m m m m m m m]
//
//   bias 127 | normal from 2^-126, subnormal in steps of 2^-149 | largest (2 - 2^-23) * 2^127, about 3.4e38
//   e = 255: m = 0 infinity, otherwise NaN
#include "quant/number_format.h"

namespace lathe {

extern constinit const NumberFormat kFp32Format{
    .name = "fp32",
    .aliases = {"f32", "float32"},
    .sign_bits = 1,
    .exponent_bits = 8,
    .mantissa_bits = 23,
    .bias = 127,
    .specials = SpecialNumbers::infinity_and_nan,
};

}  // namespace lathe
