#include "compile/plan_memory.h"

#include <algorithm>
#include <numeric>

#include "base/checked.h"
#include "base/error.h"

namespace lathe {
namespace {

std::uint64_t padded(const Lifetime& lifetime) {
  const auto bytes = checked_align(std::max<std::uint64_t>(lifetime.bytes, 1), kArenaAlignment);
  constexpr std::uint64_t kLimit = std::uint64_t{1} << 46;  // above any machine's address space in use
  if (!bytes || *bytes > kLimit)
    throw Error(ErrorCode::resource_limit, "a tensor of the plan needs more memory than any machine has");
  return *bytes;
}

bool overlap_in_time(const Lifetime& a, const Lifetime& b) {
  return a.first_step <= b.last_step && b.first_step <= a.last_step;
}

std::uint64_t largest_live_sum(std::span<const Lifetime> lifetimes) {
  std::int32_t last = 0;
  for (const auto& lifetime : lifetimes) last = std::max(last, lifetime.last_step);
  std::vector<std::int64_t> change(static_cast<std::size_t>(last) + 2, 0);
  for (const auto& lifetime : lifetimes) {
    change[static_cast<std::size_t>(lifetime.first_step)] += static_cast<std::int64_t>(padded(lifetime));
    change[static_cast<std::size_t>(lifetime.last_step) + 1] -= static_cast<std::int64_t>(padded(lifetime));
  }
  std::int64_t live = 0;
  std::int64_t largest = 0;
  for (const auto step : change) largest = std::max(largest, live += step);
  return static_cast<std::uint64_t>(largest);
}

}  // namespace

MemoryPlan plan_memory(std::span<const Lifetime> lifetimes) {
  MemoryPlan plan;
  plan.offsets.resize(lifetimes.size());
  plan.lower_bound = largest_live_sum(lifetimes);
  std::vector<std::size_t> order(lifetimes.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return lifetimes[a].bytes > lifetimes[b].bytes; });
  std::vector<std::size_t> placed;  // by ascending offset
  for (const auto current : order) {
    const std::uint64_t bytes = padded(lifetimes[current]);
    std::uint64_t offset = 0;
    for (const auto other : placed) {
      if (!overlap_in_time(lifetimes[current], lifetimes[other])) continue;
      if (offset + bytes <= plan.offsets[other]) break;
      offset = std::max(offset, plan.offsets[other] + padded(lifetimes[other]));
    }
    plan.offsets[current] = offset;
    plan.bytes = std::max(plan.bytes, offset + bytes);
    placed.insert(
        std::upper_bound(placed.begin(), placed.end(), current,
                         [&](std::size_t a, std::size_t b) { return plan.offsets[a] < plan.offsets[b]; }),
        current);
  }
  return plan;
}

}  // namespace lathe
