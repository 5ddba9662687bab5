// The frequencies that an ONNX network's caches of cosines and sines were made of.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace lathe {

struct RotaryFrequencies {
  std::vector<double> frequencies;  // [pairs], radians a position
  double magnitude = 1;
};

/// `cosines` and `sines` are [positions, pairs]. Nothing where they are not magnitude * cos(position *
/// frequency), and sin, to 1e-6 of the magnitude and to the rounding of angles in float32.
std::optional<RotaryFrequencies> find_rotary_frequencies(std::span<const float> cosines,
                                                         std::span<const float> sines, std::int64_t pairs);

}  // namespace lathe
