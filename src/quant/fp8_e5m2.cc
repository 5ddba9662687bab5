// fp8_e5m2: the 8-bit float with more range, the upper half of an fp16.
//
//   7   6       2   1 0
//   [s] [e e e e e] [m m]
//
//   bias 15 | normal from 2^-14, subnormal in steps of 2^-16 | largest 57344
//   e = 31: m = 0 infinity, otherwise NaN
#include "quant/number_format.h"

namespace lathe {

extern constinit const NumberFormat kFp8E5m2Format{
    .name = "fp8_e5m2",
    .aliases = {"e5m2", "f8_e5m2"},
    .sign_bits = 1,
    .exponent_bits = 5,
    .mantissa_bits = 2,
    .bias = 15,
    .specials = SpecialNumbers::infinity_and_nan,
};

}  // namespace lathe
