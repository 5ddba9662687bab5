// fp16: IEEE 754 binary16, the half.
//
//   15  14      10  9                  0
//   [s] [e e e e e] [m m m m m m m m m m]
//
//   bias 15 | normal from 2^-14, subnormal in steps of 2^-24 | largest 65504
//   e = 31: m = 0 infinity, otherwise NaN
#include "quant/number_format.h"

namespace lathe {

extern constinit const NumberFormat kFp16Format{
    .name = "fp16",
    .aliases = {"f16", "half"},
    .sign_bits = 1,
    .exponent_bits = 5,
    .mantissa_bits = 10,
    .bias = 15,
    .specials = SpecialNumbers::infinity_and_nan,
};

}  // namespace lathe
