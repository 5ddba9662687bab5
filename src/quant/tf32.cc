// tf32: the range of fp32 with the mantissa of fp16, what matrix units make of an fp32 input. Its 19 bits lie
// in the upper part of a 32-bit word whose lowest 13 bits do not count.
//
//   18  17           10  9                  0
//   [s] [e e e e e e e e] [m m m m m m m m m m]
//
//   bias 127 | normal from 2^-126, subnormal in steps of 2^-136 | largest (2 - 2^-10) * 2^127, about 3.4e38
//   e = 255: m = 0 infinity, otherwise NaN
#include "quant/number_format.h"

namespace lathe {

extern constinit const NumberFormat kTf32Format{
    .name = "tf32",
    .aliases = {},
    .sign_bits = 1,
    .exponent_bits = 8,
    .mantissa_bits = 10,
    .bias = 127,
    .specials = SpecialNumbers::infinity_and_nan,
};

}  // namespace lathe
