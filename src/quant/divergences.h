// How far the distribution of 128 codes lies from that of the values, for every threshold that codes could
// have: what the entropy calibrators minimize. As NVIDIA publishes it
// (pytorch_quantization/calib/histogram.py, _compute_amax_entropy):
//
//   bins = counts with bins[0] = bins[1]          zeros have a code of their own and would hide the rest
//   for i = 128, 129, ... bins.size():            the threshold edge(i)
//     P = bins[0 .. i), the counts from i on added to the last
//     Q = bins[0 .. i) in 128 groups, bin j in group j * 128 / i; each group's counts spread evenly over
//         those of its bins that are not empty
//     divergence = sum of p * log(p / q), both divided by their sums; infinite where q = 0 < p
//
// Where nothing lies below a threshold, Q has no sum: the divergence is infinite too, where theirs is NaN.
#pragma once

#include <span>
#include <vector>

namespace lathe {

inline constexpr std::size_t kCodeLevels = 128;  // magnitudes of 8-bit codes

/// Item k is the divergence of threshold edge(128 + k). At least 128 counts.
std::vector<double> code_divergences(std::span<const double> counts);

}  // namespace lathe
