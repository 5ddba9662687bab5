// Beginnings of a list of logits sorted greatest first, found without sorting it. A beginning is given by its
// last element, the cut.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "sample/sampler.h"

namespace lathe {

/// The one total order: greater logit first, then lower id. No NaN.
inline bool before(const Candidate& a, const Candidate& b) {
  return a.logit > b.logit || (a.logit == b.logit && a.id < b.id);
}

/// A cut behind everything.
inline constexpr Candidate kNoCut{std::numeric_limits<std::int32_t>::max(),
                                  -std::numeric_limits<float>::infinity()};

/// The weight of a logit before the temperature: 1 for the greatest, whatever it is.
double relative_weight(float logit, float greatest, double temperature = 1.0);

/// Puts the `count` first of `logits` (NaN left out) into `selected`, in no order. Linear time.
void select_first(std::span<const float> logits, std::size_t count, std::vector<Candidate>& selected);

/// How many elements of a sorted list it takes until their weights reach `target`; list size + 1 if they
/// never do.
std::size_t nucleus_length(std::span<const Candidate> sorted, float greatest, double target);

/// The cut of the shortest beginning of `set` whose weights reach `target`; the last element if none does.
/// `set` is reordered; sets of up to kCandidates are sorted, so that the sum is that of nucleus_length.
Candidate nucleus_cut(std::span<Candidate> set, float greatest, double target);

}  // namespace lathe
