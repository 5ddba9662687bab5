// The search for one scale: of a group of a super-block (fit_scale), or of a block with a half
// (search_half_scale).
#pragma once

#include "quant/factor_search.h"

namespace lathe::factor_search {

/// A group's scale with the lowest error found, over all real numbers.
struct ScaleFit {
  float scale = 0.0f;
  float gain = 0.0f;       // by how much it lowers the error of all zeros
  float curvature = 0.0f;  // the error grows by curvature * (other scale - scale)^2
};

/// One rounding to codes, with the scale that fits them best.
template <class Codes, int Count>
ScaleFit fit_at(const float* values, const float* weights, float inverse) {
  const FitSums sums = fit_sums<Codes, Count>(values, weights, inverse, 0.0f);
  if (!(sums.code_code > 0.0f)) return {};
  const float scale = sums.code_value / sums.code_code;
  return {scale, scale * sums.code_value, sums.code_code};
}

/// Alternates codes and scale until the gain stands still.
template <class Codes, int Count>
ScaleFit settle_scale(const float* values, const float* weights, ScaleFit fit) {
  for (int round = 0; round < 4 && fit.scale != 0.0f; ++round) {
    const ScaleFit next = fit_at<Codes, Count>(values, weights, 1.0f / fit.scale);
    if (!(next.gain > fit.gain)) break;
    fit = next;
  }
  return fit;
}

template <int Count>
float largest_magnitude(const float* values) {
  float largest = 0.0f;
  for (int i = 0; i < Count; ++i) largest = std::max(largest, std::abs(values[i]));
  return largest;
}

/// The best scale whose sign is `sign`.
template <class Codes, int Count>
ScaleFit fit_scale(const float* values, const float* weights, float sign) {
  constexpr int kCandidates = Codes::steps > 100 ? 64 : 32;
  const float largest = largest_magnitude<Count>(values);
  if (largest < std::numeric_limits<float>::min()) return {};
  const EdgeRange range = edge_range<Codes, kCandidates>();
  ScaleFit best;
  for (int i = 0; i < kCandidates; ++i) {
    const float inverse = sign * (range.first + range.step * static_cast<float>(i)) / largest;
    const ScaleFit fit = fit_at<Codes, Count>(values, weights, inverse);
    if (fit.gain > best.gain) best = fit;
  }
  return settle_scale<Codes, Count>(values, weights, best);
}

template <class Codes>
inline constexpr bool kSymmetric = Codes::lowest == -Codes::highest;

/// The half nearest to the best scale of a block, or one beside it.
template <class Codes, int Count>
std::uint16_t search_half_scale(const ScaledBlock<Count>& block) {
  if (block.zero) return 0;
  float best_error = std::numeric_limits<float>::infinity();
  std::uint16_t best = 0;
  for (const float sign : {1.0f, -1.0f}) {
    if (sign < 0.0f && kSymmetric<Codes>) break;
    const ScaleFit fit = fit_scale<Codes, Count>(block.values, block.weights, sign);
    const std::uint16_t middle = block.half(fit.scale);
    for (int offset = -1; offset <= 1; ++offset) {
      const std::uint16_t half = static_cast<std::uint16_t>(middle + offset);
      const float factor = block.factor(half);
      if (!std::isfinite(factor)) continue;
      const float error = group_error<Codes, Count>(block.values, block.weights, factor, 0.0f);
      if (error < best_error) {
        best_error = error;
        best = half;
      }
    }
  }
  return best;
}

/// BlockFormat::search of a format with a half at its start as its only factor.
template <class Codes, auto Join>
void search_scaled_block(const float* values, const float* importance, std::byte* block) {
  std::int8_t codes[32] = {};
  if (const float mark = block_codec::not_finite_mark(values, 32); std::isnan(mark)) {
    block_codec::store_as_half(block, mark);
    Join(codes, block);
    return;
  }
  const ScaledBlock<32> scaled(values, importance);
  const std::uint16_t half = search_half_scale<Codes, 32>(scaled);
  std::memcpy(block, &half, sizeof half);
  round_group<Codes, 32>(scaled.values, scaled.factor(half), 0.0f, codes);
  Join(codes, block);
}

}  // namespace lathe::factor_search
