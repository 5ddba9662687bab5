// The search for a scale and a minimum: of a group of a super-block (fit_affine), or of a block with two
// halves (search_affine_block).
#pragma once

#include "quant/factor_search.h"

namespace lathe::factor_search {

/// A group's scale and minimum with the lowest error found, over all real numbers.
struct AffineFit {
  float scale = 0.0f;
  float minimum = 0.0f;
  float gain = 0.0f;  // by how much it lowers the error of all zeros
  FitSums sums;       // of its codes
};

/// Sums of a group that no code changes.
struct GroupSums {
  float weight = 0.0f;
  float value = 0.0f;  // sum weight * value

  template <int Count>
  static GroupSums of(const float* values, const float* weights) {
    Lanes weight = spread(0.0f);
    Lanes value = spread(0.0f);
    for (int i = 0; i < Count; i += 4) {
      weight += load(weights + i);
      value += load(weights + i) * load(values + i);
    }
    return {total(weight), total(value)};
  }
};

/// The best scale and minimum for codes that stand; a minimum of the wrong sign (`sign` -1: it may not be
/// above zero, 1: not below, 0: either) becomes zero.
inline AffineFit solve_affine(const GroupSums& group, const FitSums& sums, int sign) {
  AffineFit fit;
  fit.sums = sums;
  const float determinant = group.weight * sums.code_code - sums.code * sums.code;
  if (determinant > 1e-6f * group.weight * sums.code_code) {
    fit.scale = (group.weight * sums.code_value - group.value * sums.code) / determinant;
    fit.minimum = (sums.code_code * group.value - sums.code * sums.code_value) / determinant;
  } else {
    fit.minimum = group.value / group.weight;  // one code for all
  }
  if ((sign < 0 && fit.minimum > 0.0f) || (sign > 0 && fit.minimum < 0.0f)) {
    fit.minimum = 0.0f;
    fit.scale = sums.code_code > 0.0f ? sums.code_value / sums.code_code : 0.0f;
  }
  fit.gain = fit.scale * sums.code_value + fit.minimum * group.value;
  return fit;
}

template <class Codes, int Count>
AffineFit settle_affine(const float* values, const float* weights, const GroupSums& group, AffineFit fit,
                        int sign) {
  for (int round = 0; round < 4 && fit.scale > 0.0f; ++round) {
    const AffineFit next =
        solve_affine(group, fit_sums<Codes, Count>(values, weights, 1.0f / fit.scale, fit.minimum), sign);
    if (!(next.gain > fit.gain)) break;
    fit = next;
  }
  return fit;
}

/// The best scale and minimum of a group: both ends of its range are moved inward, and outward a little;
/// then about the best pair by smaller and smaller steps.
template <class Codes, int Count>
AffineFit fit_affine(const float* values, const float* weights, int sign) {
  constexpr int kEnds = 6;
  constexpr int kHalvings = 2;
  constexpr float kLevels = Codes::steps;
  const GroupSums group = GroupSums::of<Count>(values, weights);
  float low = *std::min_element(values, values + Count);
  const float high = *std::max_element(values, values + Count);
  if (sign < 0) low = std::min(low, 0.0f);
  if (sign > 0) low = std::max(low, 0.0f);
  const float range = high - low;
  AffineFit best = solve_affine(group, {}, sign);
  if (!(range > std::numeric_limits<float>::min())) return best;
  float best_from = 0.0f;  // shares of the range
  float best_to = 0.0f;
  const auto attempt = [&](float from, float to) {
    if (!(from + to < 0.9f)) return;
    const float inverse = kLevels / (range * (1.0f - from - to));
    const AffineFit fit =
        solve_affine(group, fit_sums<Codes, Count>(values, weights, inverse, low + range * from), sign);
    if (!(fit.gain > best.gain && fit.scale > 0.0f)) return;
    best = fit;
    best_from = from;
    best_to = to;
  };
  const float inward = std::min(0.35f, 0.7f / std::sqrt(kLevels));
  const float outward = -0.5f / kLevels;
  float step = (inward - outward) / (kEnds - 1);
  for (int i = 0; i < kEnds; ++i)
    for (int j = 0; j < kEnds; ++j)
      attempt(outward + step * static_cast<float>(i), outward + step * static_cast<float>(j));
  for (int halving = 0; halving < kHalvings; ++halving) {
    step *= 0.5f;
    const float from = best_from;
    const float to = best_to;
    for (int neighbour = 0; neighbour < 9; ++neighbour)
      if (neighbour != 4)
        attempt(from + step * static_cast<float>(neighbour / 3 - 1),
                to + step * static_cast<float>(neighbour % 3 - 1));
  }
  return settle_affine<Codes, Count>(values, weights, group, best, sign);
}

/// BlockFormat::search of a format that starts with two halves, scale and minimum.
template <class Codes, auto Join>
void search_affine_block(const float* values, const float* importance, std::byte* block) {
  std::int8_t codes[32] = {};
  if (const float mark = block_codec::not_finite_mark(values, 32); std::isnan(mark)) {
    block_codec::store_as_half(block, mark);
    block_codec::store_as_half(block + 2, mark);
    Join(codes, block);
    return;
  }
  const ScaledBlock<32> scaled(values, importance);
  const AffineFit fit = fit_affine<Codes, 32>(scaled.values, scaled.weights, 0);
  std::uint16_t halves[2] = {};
  float best_error = std::numeric_limits<float>::infinity();
  // A rounded minimum moves all values: the scale is fitted to each again.
  const std::uint16_t middle = scaled.half(fit.minimum);
  for (int offset = -1; offset <= 1 && !scaled.zero; ++offset) {
    const std::uint16_t minimum_half = static_cast<std::uint16_t>(middle + offset);
    const float minimum = scaled.factor(minimum_half);
    if (!std::isfinite(minimum)) continue;
    float scale = fit.scale;
    for (int round = 0; round < 3; ++round) {
      const std::uint16_t scale_half = scaled.half(scale);
      const float stored = scaled.factor(scale_half);
      const float error = group_error<Codes, 32>(scaled.values, scaled.weights, stored, minimum);
      if (error < best_error) {
        best_error = error;
        halves[0] = scale_half;
        halves[1] = minimum_half;
      }
      if (!(stored > 0.0f)) break;
      const FitSums sums = fit_sums<Codes, 32>(scaled.values, scaled.weights, 1.0f / stored, minimum);
      if (!(sums.code_code > 0.0f)) break;
      scale = (sums.code_value - minimum * sums.code) / sums.code_code;
    }
  }
  std::memcpy(block, halves, sizeof halves);
  round_group<Codes, 32>(scaled.values, scaled.factor(halves[0]), scaled.factor(halves[1]), codes);
  Join(codes, block);
}

}  // namespace lathe::factor_search
