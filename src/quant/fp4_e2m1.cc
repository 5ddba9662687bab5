// fp4_e2m1: the 4-bit float, codes of mxfp4 blocks.
//
//   3   2 1   0
//   [s] [e e] [m]
//
//   bias 1 | 0, 0.5, 1, 1.5, 2, 3, 4, 6 and their negatives, nothing else: no infinity, no NaN
#include "quant/number_format.h"

namespace lathe {

extern constinit const NumberFormat kFp4E2m1Format{
    .name = "fp4_e2m1",
    .aliases = {"e2m1", "f4_e2m1"},
    .sign_bits = 1,
    .exponent_bits = 2,
    .mantissa_bits = 1,
    .bias = 1,
    .specials = SpecialNumbers::none,
};

}  // namespace lathe
