// Which elements of a row a TopK takes: one definition for its kernel and for those that make the row first.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>

#include "cpu/portable/element_visit.h"

namespace lathe::portable {

/// order[0 .. k) become the indices of the k greatest (or least) of `count` elements, best first, equal ones
/// in their order. NaN counts as greater than all numbers. The rest of order[0 .. count) is scratch.
template <class Load>
void sort_first(std::int64_t* order, std::int64_t k, std::int64_t count, bool largest, Load load) {
  std::iota(order, order + count, std::int64_t{0});
  std::partial_sort(order, order + k, order + count, [&](std::int64_t a, std::int64_t b) {
    const auto left = load(a);
    const auto right = load(b);
    if (is_less(left, right)) return !largest;
    if (is_less(right, left)) return largest;
    return a < b;
  });
}

}  // namespace lathe::portable
