// Four floats that are worked on at once, in the compiler's own vector type: the code is portable.
#pragma once

#include <cstring>

namespace lathe {

using Lanes = float __attribute__((vector_size(16)));

inline Lanes load(const float* values) {
  Lanes lanes;
  std::memcpy(&lanes, values, sizeof lanes);
  return lanes;
}

inline void store(float* values, Lanes lanes) { std::memcpy(values, &lanes, sizeof lanes); }

inline Lanes spread(float value) { return Lanes{value, value, value, value}; }

inline float total(Lanes lanes) { return (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]); }

}  // namespace lathe
