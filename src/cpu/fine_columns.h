// The fine columns of activations (quant/activation.h): which they are, and their codes. Plain data and
// functions of internal linkage, so that ISA files may include it.
#pragma once

#include <cstdint>

#include "quant/activation.h"

namespace lathe {

/// Of one block.
struct FineColumns {
  std::uint32_t mask = 0;  // a bit for each of the 32 columns
  std::int32_t columns[kFineColumns] = {};
  std::int32_t count = 0;
};

/// The first two of those whose bits are set.
static constexpr FineColumns fine_columns(std::uint32_t bits) {
  FineColumns fine;
  for (; bits != 0 && fine.count < kFineColumns; bits &= bits - 1) {
    fine.mask |= bits & -bits;
    fine.columns[fine.count++] = __builtin_ctz(bits);
  }
  if (fine.count == 1) fine.columns[1] = fine.columns[0];
  return fine;
}

/// What a block's zeros entry says of them.
static constexpr std::int32_t fine_places(const FineColumns& fine) {
  if (fine.count == 0) return 0;
  return static_cast<std::int32_t>(kHasFine) | fine.columns[0] << kFineShifts[0] |
         fine.columns[1] << kFineShifts[1];
}

/// The column of the first (0) or second (1) code, of any bytes below 32.
static constexpr std::int32_t fine_column(std::uint32_t zeros_entry, int which) {
  return static_cast<std::int32_t>(zeros_entry >> kFineShifts[which] & (kActivationBlock - 1));
}

/// The greatest value that a block of these columns must at least hold for their codes to fit; infinite where
/// one is NaN.
static constexpr float fine_range(const FineColumns& fine, const float* values) {
  float most = 0.0f;
  for (std::int32_t i = 0; i < fine.count; ++i) {
    const float value = values[fine.columns[i]];
    const float size = value < 0.0f ? -value : value;
    if (!(size <= most)) most = size <= __FLT_MAX__ ? size : __builtin_inff();
  }
  return most * (255.0f / kFineSteps);
}

struct FineCodes {
  std::int32_t codes[kFineColumns] = {};
  std::int32_t sum = 0;
  std::int32_t half_sum = 0;  // of columns below 16
};

static inline FineCodes fine_codes(const FineColumns& fine, const float* values, float inverse) {
  FineCodes result;
  for (std::int32_t i = 0; i < fine.count; ++i) {
    float position = values[fine.columns[i]] * inverse;
    position = position > -kFineSteps ? position : -kFineSteps;  // beyond a scale that was known ahead
    position = position < kFineSteps ? position : kFineSteps;
    const auto code = static_cast<std::int32_t>(__builtin_nearbyintf(inverse > 0.0f ? position : 0.0f));
    result.codes[i] = code;
    result.sum += code;
    if (fine.columns[i] < kActivationBlock / 2) result.half_sum += code;
  }
  return result;
}

/// As a record has them: the first in the low half.
static constexpr std::int32_t packed_fine_codes(const FineCodes& fine) {
  return static_cast<std::int32_t>((static_cast<std::uint32_t>(fine.codes[0]) & 0xffffu) |
                                   static_cast<std::uint32_t>(fine.codes[1]) << 16);
}

/// Bits of packed codes whose columns lie in the block's first half.
static constexpr std::int32_t first_half_codes(std::uint32_t zeros_entry) {
  const bool first = fine_column(zeros_entry, 0) < kActivationBlock / 2;
  const bool second = fine_column(zeros_entry, 1) < kActivationBlock / 2;
  return static_cast<std::int32_t>((first ? 0xffffu : 0u) | (second ? 0xffff0000u : 0u));
}

}  // namespace lathe
