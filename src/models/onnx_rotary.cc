#include "models/onnx_rotary.h"

#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>

namespace lathe {
namespace {

constexpr double kBound = 1e-6;
constexpr std::size_t kEach = 256;   // positions that are all looked at; behind them
constexpr std::size_t kStride = 31;  // one of so many

/// Exporters often multiply in float32: the angle has that rounding, and so has the frequency.
double angle_error(double angle) { return 2 * std::abs(angle) * std::numeric_limits<float>::epsilon(); }

/// The nearest angle to `expected` that has this cosine and sine.
double unwind(double expected, double cosine, double sine) {
  return expected + std::remainder(std::atan2(sine, cosine) - expected, 2 * std::numbers::pi);
}

}  // namespace

std::optional<RotaryFrequencies> find_rotary_frequencies(std::span<const float> cosines,
                                                         std::span<const float> sines, std::int64_t pairs) {
  const auto width = static_cast<std::size_t>(pairs);
  if (pairs < 1 || cosines.size() != sines.size() || cosines.size() % width != 0) return std::nullopt;
  const std::size_t positions = cosines.size() / width;
  if (positions < 2) return std::nullopt;
  RotaryFrequencies result;
  result.magnitude = static_cast<double>(cosines[0]);
  if (!(result.magnitude > 0)) return std::nullopt;
  for (std::size_t pair = 0; pair < width; ++pair) {
    const auto cosine = [&](std::size_t position) {
      return static_cast<double>(cosines[position * width + pair]);
    };
    const auto sine = [&](std::size_t position) {
      return static_cast<double>(sines[position * width + pair]);
    };
    // Each doubling of the position halves the error of the frequency, and no angle is off by a turn.
    double frequency = std::atan2(sine(1), cosine(1));
    for (std::size_t position = 2; position < positions; position *= 2) {
      const auto at = static_cast<double>(position);
      frequency = unwind(frequency * at, cosine(position), sine(position)) / at;
    }
    for (std::size_t position = 0; position < positions; position += position < kEach ? 1 : kStride) {
      const double angle = frequency * static_cast<double>(position);
      const double bound = result.magnitude * (kBound + angle_error(angle));
      if (!(std::abs(result.magnitude * std::cos(angle) - cosine(position)) <= bound) ||
          !(std::abs(result.magnitude * std::sin(angle) - sine(position)) <= bound))
        return std::nullopt;
    }
    result.frequencies.push_back(frequency);
  }
  return result;
}

}  // namespace lathe
