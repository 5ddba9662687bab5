// bf16: the upper half of an fp32, with its range and three decimal digits less a bit.
//
//   15  14            7  6            0
//   [s] [e e e e e e e e] [m m m m m m m]
//
//   bias 127 | normal from 2^-126, subnormal in steps of 2^-133 | largest (2 - 2^-7) * 2^127, about 3.39e38
//   e = 255: m = 0 infinity, otherwise NaN
#include "quant/number_format.h"

namespace lathe {

extern constinit const NumberFormat kBf16Format{
    .name = "bf16",
    .aliases = {"bfloat16", {}},
    .sign_bits = 1,
    .exponent_bits = 8,
    .mantissa_bits = 7,
    .bias = 127,
    .specials = SpecialNumbers::infinity_and_nan,
};

}  // namespace lathe
