// fp8_e4m3: the 8-bit float with more digits, in the "fn" form (finite, NaN) of the OCP specification.
//
//   7   6     3   2   0
//   [s] [e e e e] [m m m]
//
//   bias 7 | normal from 2^-6, subnormal in steps of 2^-9 | largest 448
//   no infinities: e = 15 is an exponent as any other, and only e = 15 with m = 7 is NaN
#include "quant/number_format.h"

namespace lathe {

extern constinit const NumberFormat kFp8E4m3Format{
    .name = "fp8_e4m3",
    .aliases = {"e4m3", "f8_e4m3"},
    .sign_bits = 1,
    .exponent_bits = 4,
    .mantissa_bits = 3,
    .bias = 7,
    .specials = SpecialNumbers::nan,
};

}  // namespace lathe
