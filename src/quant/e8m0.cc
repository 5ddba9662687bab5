// e8m0: a power of two, the scale of microscaling blocks (mxfp4). No sign, no mantissa, no zero.
//
//   7             0
//   [e e e e e e e e]
//
//   bias 127 | from 2^-127 to 2^127 | e = 255: NaN
#include "quant/number_format.h"

namespace lathe {

extern constinit const NumberFormat kE8m0Format{
    .name = "e8m0",
    .aliases = {"fp8_e8m0", "ue8m0"},
    .sign_bits = 0,
    .exponent_bits = 8,
    .mantissa_bits = 0,
    .bias = 127,
    .specials = SpecialNumbers::nan,
    .zero_exponent = false,
};

}  // namespace lathe
