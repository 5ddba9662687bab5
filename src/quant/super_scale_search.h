// The search for the factors of a super-block without minima: a half d and an integer per group, a group's
// scale being d times its integer.
//
// Each group has a best scale of either sign, and around it its error is about a parabola: the d whose
// multiples lie best is found on those. Then integers, d and codes are refined in turn by true errors.
#pragma once

#include "quant/scale_search.h"

namespace lathe::factor_search {

template <int Groups>
struct SuperScale {
  float d = 0.0f;  // of the scaled values, as its half will be
  std::uint16_t half = 0;
  std::int8_t scales[Groups] = {};
  float error = std::numeric_limits<float>::infinity();
};

template <class Codes, int Group, int Lowest, int Highest>
struct SuperScaleSearch {
  static constexpr int kGroups = 256 / Group;
  using Found = SuperScale<kGroups>;

  explicit SuperScaleSearch(const ScaledBlock<256>& searched) : block(searched) {
    for (int g = 0; g < kGroups; ++g) {
      positive[g] = fit_scale<Codes, Group>(values(g), weights(g), 1.0f);
      negative[g] = kSymmetric<Codes> ? positive[g] : fit_scale<Codes, Group>(values(g), weights(g), -1.0f);
    }
  }

  const float* values(int g) const { return block.values + Group * g; }
  const float* weights(int g) const { return block.weights + Group * g; }

  static int nearest_integer(float scale, float d) {
    return static_cast<int>(IntegerCodes<Lowest, Highest>::round(spread(scale / d))[0]);
  }

  /// The error of all groups by their parabolas, less that of all zeros.
  float estimate(float d) const {
    float sum = 0.0f;
    for (int g = 0; g < kGroups; ++g) {
      float best = 0.0f;
      for (const ScaleFit* fit : {&positive[g], &negative[g]}) {
        const float off = d * static_cast<float>(nearest_integer(fit->scale, d)) - fit->scale;
        best = std::min(best, fit->curvature * off * off - fit->gain);
      }
      sum += best;
    }
    return sum;
  }

  /// Takes d as its half will be, and gives each group the integer with the lowest error.
  Found with_factor(float d) const {
    Found found;
    found.half = block.half(d);
    found.d = block.factor(found.half);
    found.error = 0.0f;
    for (int g = 0; g < kGroups; ++g) {
      float best_error = group_error<Codes, Group>(values(g), weights(g), 0.0f, 0.0f);
      for (const ScaleFit* fit : {&positive[g], &negative[g]}) {
        if (found.d == 0.0f || fit->scale == 0.0f) continue;
        const int middle = nearest_integer(fit->scale, found.d);
        for (int integer = std::max(Lowest, middle - 1); integer <= std::min(Highest, middle + 1);
             ++integer) {
          const float error =
              group_error<Codes, Group>(values(g), weights(g), found.d * static_cast<float>(integer), 0.0f);
          if (error < best_error) {
            best_error = error;
            found.scales[g] = static_cast<std::int8_t>(integer);
          }
        }
        if (kSymmetric<Codes>) break;
      }
      found.error += best_error;
    }
    return found;
  }

  /// The d that fits the codes best which another one led to.
  float refit(const Found& found) const {
    float cross = 0.0f;
    float square = 0.0f;
    for (int g = 0; g < kGroups; ++g) {
      const auto integer = static_cast<float>(found.scales[g]);
      if (found.scales[g] == 0) continue;
      const FitSums sums = fit_sums<Codes, Group>(values(g), weights(g), 1.0f / (found.d * integer), 0.0f);
      cross += integer * sums.code_value;
      square += integer * integer * sums.code_code;
    }
    return square > 0.0f ? cross / square : found.d;
  }

  Found search() const {
    constexpr int kCandidates = 64;
    float largest = 0.0f;
    for (int g = 0; g < kGroups; ++g)
      for (const ScaleFit* fit : {&positive[g], &negative[g]})
        largest = std::max(largest, std::abs(fit->scale));
    struct Candidate {
      float d;
      float estimate;
    };
    Candidate candidates[2 * kCandidates];
    constexpr float kEdge = std::max(-Lowest, Highest);
    for (int i = 0; i < 2 * kCandidates; ++i) {
      const float edge = kEdge * (0.7f + 0.4f * static_cast<float>(i / 2) / kCandidates);
      const float d = block.factor(block.half((i % 2 == 0 ? largest : -largest) / edge, i / 2));
      candidates[i] = {d, estimate(d)};
    }
    const Candidate* first =
        std::min_element(candidates, candidates + 2 * kCandidates,
                         [](const Candidate& a, const Candidate& b) { return a.estimate < b.estimate; });
    Found found = with_factor(first->d);
    for (int round = 0; round < 3; ++round) {
      const Found next = with_factor(refit(found));
      if (!(next.error < found.error)) break;
      found = next;
    }
    return found;
  }

  const ScaledBlock<256>& block;
  ScaleFit positive[kGroups];
  ScaleFit negative[kGroups];
};

/// BlockFormat::search of such a format; Store(half, scales, block) puts its factors into a block.
template <class Codes, int Group, int Lowest, int Highest, auto Store, auto Join>
void search_super_scaled_block(const float* values, const float* importance, std::byte* block) {
  using Search = SuperScaleSearch<Codes, Group, Lowest, Highest>;
  std::int8_t codes[256] = {};
  typename Search::Found found;
  if (const float mark = block_codec::not_finite_mark(values, 256); std::isnan(mark)) {
    found.half = float_to_half(mark);
  } else {
    const ScaledBlock<256> scaled(values, importance);
    if (!scaled.zero) found = Search(scaled).search();
    for (int g = 0; g < Search::kGroups; ++g)
      round_group<Codes, Group>(scaled.values + Group * g, found.d * static_cast<float>(found.scales[g]),
                                0.0f, codes + Group * g);
  }
  Store(found.half, found.scales, block);
  Join(codes, block);
}

}  // namespace lathe::factor_search
