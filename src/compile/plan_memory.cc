#include "compile/plan_memory.h"

#include <algorithm>
#include <functional>
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

using Order = std::vector<std::size_t>;

/// Tensors are placed one after another in some order, each at the lowest gap that is wide enough among those
/// placed before it that are alive with it. No one order is best for every graph: several are tried.
class Planner {
 public:
  explicit Planner(std::span<const Lifetime> lifetimes) : lifetimes_(lifetimes) {
    for (const auto& lifetime : lifetimes) bytes_.push_back(padded(lifetime));
    sum_live();
    best_.offsets.resize(lifetimes.size(), 0);
    best_.lower_bound =
        live_.empty() ? 0 : static_cast<std::uint64_t>(*std::max_element(live_.begin(), live_.end()));
  }

  MemoryPlan run() {
    if (lifetimes_.empty()) return best_;
    const auto bytes = [this](std::size_t i) { return static_cast<double>(bytes_[i]); };
    const auto steps = [this](std::size_t i) {
      return static_cast<double>(lifetimes_[i].last_step - lifetimes_[i].first_step + 1);
    };
    try_order(by(bytes));
    if (!good_enough()) try_order(by([&](std::size_t i) { return bytes(i) * steps(i); }));
    if (!good_enough()) try_order(by(steps));
    if (!good_enough())
      try_order(by([this](std::size_t i) { return -double{1} * lifetimes_[i].first_step; }));
    if (!good_enough()) try_order(by([this](std::size_t i) { return double{1} * lifetimes_[i].last_step; }));
    if (!good_enough()) try_order(by([this](std::size_t i) { return static_cast<double>(fullest(i)); }));
    improve();
    return std::move(best_);
  }

 private:
  /// Bytes alive at each step.
  void sum_live() {
    std::int32_t last = -1;
    for (const auto& lifetime : lifetimes_) last = std::max(last, lifetime.last_step);
    live_.assign(static_cast<std::size_t>(last) + 2, 0);
    for (std::size_t i = 0; i < lifetimes_.size(); ++i) {
      live_[static_cast<std::size_t>(lifetimes_[i].first_step)] += static_cast<std::int64_t>(bytes_[i]);
      live_[static_cast<std::size_t>(lifetimes_[i].last_step) + 1] -= static_cast<std::int64_t>(bytes_[i]);
    }
    std::partial_sum(live_.begin(), live_.end(), live_.begin());
  }

  /// The largest sum of bytes alive while this tensor is.
  std::int64_t fullest(std::size_t i) const {
    return *std::max_element(live_.begin() + lifetimes_[i].first_step,
                             live_.begin() + lifetimes_[i].last_step + 1);
  }

  /// The greatest first, the larger one among equals.
  Order by(const std::function<double(std::size_t)>& weight) const {
    std::vector<double> weights;
    for (std::size_t i = 0; i < lifetimes_.size(); ++i) weights.push_back(weight(i));
    Order order(lifetimes_.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return weights[a] != weights[b] ? weights[a] > weights[b] : bytes_[a] > bytes_[b];
    });
    return order;
  }

  /// Within a fiftieth of what no plan can be below.
  bool good_enough() const { return best_.bytes <= best_.lower_bound + best_.lower_bound / 50; }

  void try_order(Order order) {
    std::vector<std::uint64_t> offsets(lifetimes_.size(), 0);
    std::vector<std::size_t> placed;  // by ascending offset
    placed.reserve(lifetimes_.size());
    std::uint64_t most = 0;
    for (const auto current : order) {
      std::uint64_t offset = 0;
      for (const auto other : placed) {
        if (!overlap_in_time(lifetimes_[current], lifetimes_[other])) continue;
        if (offset + bytes_[current] <= offsets[other]) break;
        offset = std::max(offset, offsets[other] + bytes_[other]);
      }
      offsets[current] = offset;
      most = std::max(most, offset + bytes_[current]);
      placed.insert(std::upper_bound(placed.begin(), placed.end(), current,
                                     [&](std::size_t a, std::size_t b) { return offsets[a] < offsets[b]; }),
                    current);
    }
    last_bytes_ = most;
    last_offsets_ = offsets;
    if (tried_ && most >= best_.bytes) return;
    tried_ = true;
    best_.bytes = most;
    best_.offsets = std::move(offsets);
    best_order_ = std::move(order);
  }

  /// What reaches the top goes to the front of the order, again and again while there is time.
  void improve() {
    constexpr std::size_t kComparisons = 10'000'000;  // some tens of milliseconds
    const std::size_t once = lifetimes_.size() * lifetimes_.size() / 2 + 1;
    std::vector<std::size_t> moved(lifetimes_.size(), 0);  // how often each was
    Order order = best_order_;
    if (!good_enough()) try_order(order);
    for (std::size_t spent = 0; !good_enough() && spent < kComparisons; spent += once) {
      const auto reaches_top = [&](std::size_t i) { return last_offsets_[i] + bytes_[i] == last_bytes_; };
      auto chosen = order.end();
      for (auto i = order.begin(); i != order.end(); ++i)
        if (reaches_top(*i) && (chosen == order.end() || moved[*i] < moved[*chosen])) chosen = i;
      if (chosen == order.end() || moved[*chosen] > 3) return;
      ++moved[*chosen];
      std::rotate(order.begin(), chosen, std::next(chosen));
      try_order(order);
    }
  }

  std::span<const Lifetime> lifetimes_;
  std::vector<std::uint64_t> bytes_;  // in whole cache lines
  std::vector<std::int64_t> live_;    // per step, and 0 behind the last
  bool tried_ = false;
  MemoryPlan best_;
  Order best_order_;
  std::uint64_t last_bytes_ = 0;  // of what was tried last
  std::vector<std::uint64_t> last_offsets_;
};

}  // namespace

MemoryPlan plan_memory(std::span<const Lifetime> lifetimes) { return Planner(lifetimes).run(); }

}  // namespace lathe
