// The search for the factors of a super-block with minima: halves d and dmin, and two integers per group;
// value = (d * scale) * code - (dmin * minimum).
//
// Scales and minima have one sign each in a whole super-block. Each group has a best scale and minimum, and
// around them its error is about a parabola: the d, then the dmin, whose multiples lie best are found on
// those. Then integers, d, dmin and codes are refined in turn by true errors.
#pragma once

#include "quant/affine_search.h"

namespace lathe::factor_search {

template <int Groups>
struct SuperAffine {
  float d = 0.0f;  // of the scaled values, as their halves will be
  float dmin = 0.0f;
  std::uint16_t halves[2] = {};
  std::uint8_t scales[Groups] = {};
  std::uint8_t minima[Groups] = {};
  float error = std::numeric_limits<float>::infinity();

  float scale(int g) const { return d * static_cast<float>(scales[g]); }
  float minimum(int g) const { return -(dmin * static_cast<float>(minima[g])); }
};

template <class Codes, int Group, int Highest>
struct SuperAffineSearch {
  static constexpr int kGroups = 256 / Group;
  using Found = SuperAffine<kGroups>;

  /// `minimum_sign`: of the minima in value = scale * code + minimum.
  SuperAffineSearch(const ScaledBlock<256>& searched, int minimum_sign)
      : block(searched), sign(minimum_sign) {
    for (int g = 0; g < kGroups; ++g) {
      fits[g] = fit_affine<Codes, Group>(values(g), weights(g), sign);
      group_sums[g] = GroupSums::of<Group>(values(g), weights(g));
    }
  }

  const float* values(int g) const { return block.values + Group * g; }
  const float* weights(int g) const { return block.weights + Group * g; }

  static std::uint8_t nearest_integer(float value, float factor) {
    if (!(factor > 0.0f || factor < 0.0f)) return 0;
    return static_cast<std::uint8_t>(IntegerCodes<0, Highest>::round(spread(value / factor))[0]);
  }

  struct Target {
    float value;
    float curvature;
  };

  /// The factors whose multiples lie best to the groups' targets, by parabolas; the best first.
  template <int Kept>
  void best_factors(const Target (&targets)[kGroups], float (&factors)[Kept]) const {
    constexpr int kCandidates = 64;
    float largest = 0.0f;
    for (const Target& target : targets)
      if (std::abs(target.value) > std::abs(largest)) largest = target.value;
    struct Candidate {
      float factor;
      float error;
    };
    Candidate candidates[kCandidates];
    for (int i = 0; i < kCandidates; ++i) {
      const float edge = Highest * (0.6f + 0.5f * static_cast<float>(i) / kCandidates);
      const float factor = largest != 0.0f ? block.factor(block.half(largest / edge, i)) : 0.0f;
      float error = 0.0f;
      for (const Target& target : targets) {
        const float off = factor * static_cast<float>(nearest_integer(target.value, factor)) - target.value;
        error += target.curvature * off * off;
      }
      candidates[i] = {factor, error};
    }
    std::partial_sort(candidates, candidates + Kept, candidates + kCandidates,
                      [](const Candidate& a, const Candidate& b) { return a.error < b.error; });
    for (int i = 0; i < Kept; ++i) factors[i] = candidates[i].factor;
  }

  void round_factors(Found& found, float d, float dmin) const {
    found.halves[0] = block.half(d);
    found.halves[1] = block.half(dmin);
    found.d = block.factor(found.halves[0]);
    found.dmin = block.factor(found.halves[1]);
  }

  /// For a scale and codes near a minimum, the minimum that fits best.
  float fit_minimum(int g, float scale, float minimum) const {
    if (scale == 0.0f) return group_sums[g].value / group_sums[g].weight;
    const FitSums sums = fit_sums<Codes, Group>(values(g), weights(g), 1.0f / scale, minimum);
    return (group_sums[g].value - scale * sums.code) / group_sums[g].weight;
  }

  /// Gives each group the integers with the lowest error beside those it has.
  void choose_integers(Found& found) const {
    found.error = 0.0f;
    for (int g = 0; g < kGroups; ++g) {
      float best = std::numeric_limits<float>::infinity();
      const int middle_scale = found.scales[g];
      const int first_minimum = found.minima[g];
      for (int scale = std::max(0, middle_scale - 1); scale <= std::min(Highest, middle_scale + 1); ++scale) {
        const float stored_scale = found.d * static_cast<float>(scale);
        const float fitted = fit_minimum(g, stored_scale, -found.dmin * static_cast<float>(first_minimum));
        const int middle = nearest_integer(-fitted, found.dmin);
        for (int minimum = std::max(0, middle - 1); minimum <= std::min(Highest, middle + 1); ++minimum) {
          const float error = group_error<Codes, Group>(values(g), weights(g), stored_scale,
                                                        -found.dmin * static_cast<float>(minimum));
          if (error < best) {
            best = error;
            found.scales[g] = static_cast<std::uint8_t>(scale);
            found.minima[g] = static_cast<std::uint8_t>(minimum);
          }
        }
      }
      found.error += best;
    }
  }

  /// The d and dmin that fit the codes best which others led to.
  void refit(const Found& found, float& d, float& dmin) const {
    float scale_scale = 0.0f;
    float scale_minimum = 0.0f;
    float minimum_minimum = 0.0f;
    float scale_value = 0.0f;
    float minimum_value = 0.0f;
    for (int g = 0; g < kGroups; ++g) {
      const auto scale = static_cast<float>(found.scales[g]);
      const auto minimum = static_cast<float>(found.minima[g]);
      const float stored = found.scale(g);
      const FitSums sums = fit_sums<Codes, Group>(values(g), weights(g),
                                                  stored != 0.0f ? 1.0f / stored : 0.0f, found.minimum(g));
      scale_scale += scale * scale * sums.code_code;
      scale_minimum -= scale * minimum * sums.code;
      minimum_minimum += minimum * minimum * group_sums[g].weight;
      scale_value += scale * sums.code_value;
      minimum_value -= minimum * group_sums[g].value;
    }
    const float determinant = scale_scale * minimum_minimum - scale_minimum * scale_minimum;
    if (determinant > 1e-6f * scale_scale * minimum_minimum) {
      d = (scale_value * minimum_minimum - minimum_value * scale_minimum) / determinant;
      dmin = (minimum_value * scale_scale - scale_value * scale_minimum) / determinant;
    } else if (scale_scale > 0.0f) {
      d = (scale_value - scale_minimum * dmin) / scale_scale;
    }
  }

  Found refine(float first_d) const {
    Found found;
    Target minima[kGroups];
    for (int g = 0; g < kGroups; ++g) {
      found.scales[g] = nearest_integer(fits[g].scale, first_d);
      const float scale = first_d * static_cast<float>(found.scales[g]);
      float minimum = fit_minimum(g, scale, fits[g].minimum);
      if (static_cast<float>(sign) * minimum < 0.0f) minimum = 0.0f;
      minima[g] = {-minimum, group_sums[g].weight};
    }
    float dmin[1];
    best_factors(minima, dmin);
    for (int g = 0; g < kGroups; ++g) found.minima[g] = nearest_integer(minima[g].value, dmin[0]);
    round_factors(found, first_d, dmin[0]);
    choose_integers(found);
    for (int round = 0; round < 3; ++round) {
      Found next = found;
      float d = found.d;
      float next_dmin = found.dmin;
      refit(found, d, next_dmin);
      round_factors(next, d, next_dmin);
      choose_integers(next);
      if (!(next.error < found.error)) break;
      found = next;
    }
    return found;
  }

  Found search() const {
    Target scales[kGroups];
    for (int g = 0; g < kGroups; ++g) {
      const FitSums& sums = fits[g].sums;
      scales[g] = {fits[g].scale, sums.code_code - sums.code * sums.code / group_sums[g].weight};
    }
    float candidates[2];
    best_factors(scales, candidates);
    Found best;
    for (const float d : candidates) {
      const Found found = refine(d);
      if (found.error < best.error) best = found;
    }
    return best;
  }

  const ScaledBlock<256>& block;
  int sign;
  AffineFit fits[kGroups];
  GroupSums group_sums[kGroups];
};

/// BlockFormat::search of such a format; Store(halves, scales, minima, block) puts its factors into a block.
template <class Codes, int Group, int Highest, auto Store, auto Join>
void search_super_affine_block(const float* values, const float* importance, std::byte* block) {
  using Search = SuperAffineSearch<Codes, Group, Highest>;
  std::int8_t codes[256] = {};
  typename Search::Found found;
  if (const float mark = block_codec::not_finite_mark(values, 256); std::isnan(mark)) {
    found.halves[0] = found.halves[1] = float_to_half(mark);
  } else {
    const ScaledBlock<256> scaled(values, importance);
    bool above_zero = false;  // a group that a minimum above zero may help
    for (int g = 0; g < Search::kGroups; ++g)
      above_zero |= *std::min_element(scaled.values + Group * g, scaled.values + Group * (g + 1)) > 0.0f;
    if (!scaled.zero) {
      found = Search(scaled, -1).search();
      if (above_zero)
        if (const auto other = Search(scaled, 1).search(); other.error < found.error) found = other;
    }
    for (int g = 0; g < Search::kGroups; ++g)
      round_group<Codes, Group>(scaled.values + Group * g, found.scale(g), found.minimum(g),
                                codes + Group * g);
  }
  Store(found.halves, found.scales, found.minima, block);
  Join(codes, block);
}

}  // namespace lathe::factor_search
