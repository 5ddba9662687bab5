// What the searches for a block's factors share. A block is searched as 256 or 32 numbers whose largest
// magnitude lies in [1, 2): values are multiplied by a power of two, and factors are rounded to halves as
// they will be when that is taken back. So nothing overflows, and the smallest numbers are searched as well
// as others.
//
// Errors are sum weight * error^2. For codes that stand, the best scale (and minimum) is a weighted least
// squares fit of one (two) unknowns; the searches try many roundings to codes, each as good as its fit.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "base/half.h"
#include "quant/block_codec.h"
#include "quant/lanes.h"

namespace lathe::factor_search {

/// Codes that are all the integers from Lowest to Highest.
template <int Lowest, int Highest>
struct IntegerCodes {
  static constexpr int lowest = Lowest;
  static constexpr int highest = Highest;
  static constexpr int steps = Highest - Lowest;

  static Lanes round(Lanes value) {
    constexpr float kToNearest = 12582912.0f;  // 1.5 * 2^23: its steps are 1
    const Lanes low = spread(Lowest);
    const Lanes high = spread(Highest);
    value = value > low ? value : low;  // NaN too
    value = value < high ? value : high;
    return (value + kToNearest) - kToNearest;
  }
};

/// Codes that are the 16 integers of a table, from -128 to 127.
template <const std::int8_t (&Table)[16]>
struct TableCodes {
  static constexpr int lowest = *std::min_element(Table, Table + 16);
  static constexpr int highest = *std::max_element(Table, Table + 16);
  static constexpr int steps = 15;

  /// The nearest code of every half-open interval of half a unit: where it changes, in the middle of two
  /// codes, is a multiple of a half.
  struct Nearest {
    float code[512];
    constexpr Nearest() : code() {
      for (int i = 0; i < 512; ++i) {
        const int quarters = 2 * (i - 256) + 1;  // the interval's middle
        int best = Table[0];
        for (const int candidate : Table) {
          const int far = quarters - 4 * best;
          const int near = quarters - 4 * candidate;
          if (near * near < far * far) best = candidate;
        }
        code[i] = static_cast<float>(best);
      }
    }
  };
  static constexpr Nearest kNearest{};

  static Lanes round(Lanes value) {
    value = value > spread(-128.0f) ? value : spread(-128.0f);
    value = value < spread(127.5f) ? value : spread(127.5f);
    value = value * 2.0f + 256.0f;
    Lanes codes;
    for (int i = 0; i < 4; ++i) codes[i] = kNearest.code[static_cast<int>(value[i])];
    return codes;
  }
};

/// BlockFormat::nearest_code of such codes.
template <class Codes>
std::int8_t nearest_code(float value) {
  return static_cast<std::int8_t>(Codes::round(spread(value))[0]);
}

/// Where a code of a table lies in it; the first of equal ones.
template <const std::int8_t (&Table)[16]>
struct TableIndex {
  std::uint8_t index[256];
  constexpr TableIndex() : index() {
    for (int i = 15; i >= 0; --i) index[static_cast<std::uint8_t>(Table[i])] = static_cast<std::uint8_t>(i);
  }
  constexpr int operator[](std::int8_t code) const { return index[static_cast<std::uint8_t>(code)]; }
};

/// A block's values brought to a largest magnitude in [1, 2), and weights of mean 1.
template <int Count>
struct ScaledBlock {
  float values[Count];
  float weights[Count];
  int exponent = 0;  // the block is values * 2^exponent
  bool zero = false;

  ScaledBlock(const float* source, const float* importance) {
    float largest = 0.0f;
    for (int i = 0; i < Count; ++i) largest = std::max(largest, std::abs(source[i]));
    zero = largest == 0.0f;
    if (!zero) exponent = std::ilogb(largest);
    const double factor = std::ldexp(1.0, -exponent);
    for (int i = 0; i < Count; ++i) values[i] = static_cast<float>(static_cast<double>(source[i]) * factor);
    double sum = 0.0;
    if (importance != nullptr)
      for (int i = 0; i < Count; ++i) sum += static_cast<double>(importance[i]);
    // A column that calibration never saw still counts for a little.
    constexpr double kLeast = 1e-5;
    for (int i = 0; i < Count; ++i)
      weights[i] = static_cast<float>(kLeast + (sum > 0.0 && std::isfinite(sum)
                                                    ? static_cast<double>(importance[i]) * Count / sum
                                                    : 1.0));
  }

  /// The half that is stored for a factor of the scaled values; never an infinity.
  std::uint16_t half(float factor) const {
    const double value = std::ldexp(static_cast<double>(factor), exponent);
    return float_to_half(static_cast<float>(std::clamp(value, -65504.0, 65504.0)));
  }
  /// The same for one of many candidates: where they are too small to differ, the smallest halves in turn.
  std::uint16_t half(float factor, int candidate) const {
    const std::uint16_t nearest = half(factor);
    if ((nearest & 0x7fff) > 64) return nearest;
    return static_cast<std::uint16_t>((nearest & 0x8000) | (candidate + 1));
  }
  /// What a stored half is to the scaled values.
  float factor(std::uint16_t half) const {
    return static_cast<float>(std::ldexp(static_cast<double>(half_to_float(half)), -exponent));
  }
};

/// The error of a group with factors that stand, every value at its nearest code.
template <class Codes, int Count>
float group_error(const float* values, const float* weights, float scale, float minimum) {
  const float inverse = scale != 0.0f ? 1.0f / scale : 0.0f;
  Lanes error = spread(0.0f);
  for (int i = 0; i < Count; i += 4) {
    const Lanes value = load(values + i) - minimum;
    const Lanes off = value - Codes::round(value * inverse) * scale;
    error += load(weights + i) * off * off;
  }
  return total(error);
}

/// The nearest codes.
template <class Codes, int Count>
void round_group(const float* values, float scale, float minimum, std::int8_t* codes) {
  const float inverse = scale != 0.0f ? 1.0f / scale : 0.0f;
  for (int i = 0; i < Count; i += 4) {
    const Lanes rounded = Codes::round((load(values + i) - minimum) * inverse);
    for (int k = 0; k < 4; ++k) codes[i + k] = static_cast<std::int8_t>(rounded[k]);
  }
}

/// The numbers of one rounding to codes that least squares need.
struct FitSums {
  float code = 0.0f;        // sum weight * code
  float code_code = 0.0f;   // sum weight * code^2
  float code_value = 0.0f;  // sum weight * code * value
};

template <class Codes, int Count>
FitSums fit_sums(const float* values, const float* weights, float inverse, float minimum) {
  Lanes code = spread(0.0f);
  Lanes code_code = spread(0.0f);
  Lanes code_value = spread(0.0f);
  for (int i = 0; i < Count; i += 4) {
    const Lanes value = load(values + i);
    const Lanes rounded = Codes::round((value - minimum) * inverse);
    const Lanes weighted = load(weights + i) * rounded;
    code += weighted;
    code_code += weighted * rounded;
    code_value += weighted * value;
  }
  return {total(code), total(code_code), total(code_value)};
}

/// Candidates for the code, a real number, that the largest value of a group comes to lie on: from a little
/// below the last code, where rounding may gain, to far above it, where large values are cut off.
struct EdgeRange {
  float first;
  float step;
};

template <class Codes, int Candidates>
EdgeRange edge_range() {
  constexpr float kSpacing = static_cast<float>(Codes::highest - Codes::lowest) / Codes::steps;
  constexpr float kSteps = std::max(-Codes::lowest, Codes::highest) / kSpacing;  // from zero to the last code
  const float root = std::sqrt(kSteps);
  const float first = kSteps - 0.7f * root;
  const float last = kSteps + 2.0f * root;
  return {first * kSpacing, (last - first) * kSpacing / (Candidates - 1)};
}

}  // namespace lathe::factor_search
