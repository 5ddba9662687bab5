// int8: a whole number in two's complement, code of linear quantization.
//
//   7   6            0
//   [s] [v v v v v v v]
//
//   value = v - 128 s, from -128 to 127; with scale and zero point: scale * (value - zero point)
#include "quant/number_format.h"

namespace lathe {

extern constinit const NumberFormat kInt8Format{
    .name = "int8",
    .aliases = {"i8", {}},
    .sign_bits = 1,
    .exponent_bits = 0,
    .mantissa_bits = 7,
};

}  // namespace lathe
