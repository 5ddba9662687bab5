#include "graph/unique_slices.h"

#include <algorithm>
#include <numeric>

#include "tensor/element_format.h"

namespace lathe {
namespace {

/// Negative, zero or positive as slice a is less than, equal to or greater than b.
template <class Format>
int compare(const SliceView& view, std::int64_t a, std::int64_t b) {
  const auto* data = reinterpret_cast<const typename Format::Stored*>(view.data);
  for (std::int64_t o = 0; o < view.outer; ++o) {
    for (std::int64_t i = 0; i < view.inner; ++i) {
      const auto x = Format::load(data[(o * view.count + a) * view.inner + i]);
      const auto y = Format::load(data[(o * view.count + b) * view.inner + i]);
      if (is_less(x, y)) return -1;
      if (is_less(y, x)) return 1;
    }
  }
  return 0;
}

template <class Format>
UniqueSlices find(const SliceView& view) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(view.count));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  std::ranges::sort(order, [&view](std::int64_t a, std::int64_t b) {
    const int difference = compare<Format>(view, a, b);
    return difference != 0 ? difference < 0 : a < b;
  });
  UniqueSlices result;
  result.inverse.resize(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (i == 0 || compare<Format>(view, order[i - 1], order[i]) != 0) {
      result.first.push_back(order[i]);
      result.counts.push_back(0);
    }
    ++result.counts.back();
    result.inverse[static_cast<std::size_t>(order[i])] = static_cast<std::int64_t>(result.first.size()) - 1;
  }
  return result;
}

UniqueSlices by_first(const UniqueSlices& sorted) {
  std::vector<std::size_t> order(sorted.first.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&sorted](std::size_t group) { return sorted.first[group]; });
  std::vector<std::int64_t> place(order.size());
  UniqueSlices result;
  for (std::size_t i = 0; i < order.size(); ++i) {
    place[order[i]] = static_cast<std::int64_t>(i);
    result.first.push_back(sorted.first[order[i]]);
    result.counts.push_back(sorted.counts[order[i]]);
  }
  for (const auto group : sorted.inverse) result.inverse.push_back(place[static_cast<std::size_t>(group)]);
  return result;
}

}  // namespace

UniqueSlices unique_slices(const SliceView& view, bool sorted) {
  UniqueSlices result;
  visit_format(view.dtype, [&]<class Format>(Format) { result = find<Format>(view); });
  return sorted ? result : by_first(result);
}

}  // namespace lathe
