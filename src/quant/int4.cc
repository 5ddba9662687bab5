// int4: a whole number in two's complement, code of linear quantization.
//
//   3   2    0
//   [s] [v v v]
//
//   value = v - 8 s, from -8 to 7; with scale and zero point: scale * (value - zero point)
#include "quant/number_format.h"

namespace lathe {

extern constinit const NumberFormat kInt4Format{
    .name = "int4",
    .aliases = {"i4", {}},
    .sign_bits = 1,
    .exponent_bits = 0,
    .mantissa_bits = 3,
};

}  // namespace lathe
