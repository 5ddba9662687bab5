// F8_E5M2: sign 1 | exponent 5 (bias 15) | mantissa 2: the upper half of an fp16, infinities and NaN
// included.
#include "base/half.h"
#include "quant/f8.h"

namespace lathe {

float f8_e5m2_to_float(std::uint8_t bits) {
  return half_to_float(static_cast<std::uint16_t>(static_cast<unsigned>(bits) << 8));
}

}  // namespace lathe
