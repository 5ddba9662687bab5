// Offsets in the arena from lifetimes: two tensors share bytes only if no step needs both.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace lathe {

inline constexpr std::uint64_t kArenaAlignment = 64;

struct Lifetime {
  std::uint64_t bytes = 0;
  std::int32_t first_step = 0;  // that writes it
  std::int32_t last_step = 0;   // that reads it; outputs live to the end
};

struct MemoryPlan {
  std::vector<std::uint64_t> offsets;  // one for each lifetime, multiples of kArenaAlignment
  std::uint64_t bytes = 0;
  std::uint64_t lower_bound = 0;  // the largest sum of bytes alive at one step
};

/// Greedy, each tensor at the lowest gap among those alive with it, in the best of several orders.
/// Throws Error(resource_limit) where offsets would not fit 63 bits.
MemoryPlan plan_memory(std::span<const Lifetime> lifetimes);

}  // namespace lathe
