#include "compile/place_tensors.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "compile/plan_memory.h"

namespace lathe {
namespace {

class Placement {
 public:
  Placement(const Plan& plan, std::span<const std::int32_t> roots, const PlacementOptions& options,
            PlanProfile& profile)
      : plan_(plan), roots_(roots), options_(options), profile_(profile) {
    for (const auto& tensor : plan_.tensors)
      bytes_.push_back(tensor.place == Place::arena ? bytes_at_maximum(tensor.type) : tensor.max_bytes);
  }

  void run() {
    place();
    order_steps();
  }

 private:
  const PlanTensor& tensor(std::int32_t index) const {
    return plan_.tensors[static_cast<std::size_t>(index)];
  }
  std::int32_t root(std::int32_t index) const { return roots_[static_cast<std::size_t>(index)]; }

  std::uint64_t bytes_at_maximum(const ValueType& type) const {
    Shape shape;
    for (const auto& dim : type.dims)
      shape.push_back(dim.is_symbolic()
                          ? profile_.symbols[static_cast<std::size_t>(plan_.symbol(dim.symbol))].maximum
                          : dim.value);
    return dense_bytes(type.dtype, shape);
  }

  void place() {
    std::map<std::int32_t, Lifetime> lifetimes;  // by root
    const auto steps = static_cast<std::int32_t>(plan_.steps.size());
    const auto touch = [&](std::int32_t index, std::int32_t step) {
      if (tensor(index).place != Place::arena) return;
      auto& lifetime = lifetimes.try_emplace(root(index), Lifetime{0, step, step}).first->second;
      lifetime.bytes = std::max(lifetime.bytes, bytes_[static_cast<std::size_t>(index)]);
      lifetime.last_step = std::max(lifetime.last_step, step);
      if (!options_.reuse_memory) lifetime.first_step = 0, lifetime.last_step = steps;
    };
    for (std::int32_t i = 0; i < steps; ++i) {
      for (const auto index : plan_.steps[static_cast<std::size_t>(i)].inputs) touch(index, i);
      for (const auto index : plan_.steps[static_cast<std::size_t>(i)].outputs) touch(index, i);
    }
    for (const auto& output : plan_.outputs) touch(output.tensor, steps);

    std::vector<Lifetime> list;
    list.reserve(lifetimes.size());
    for (const auto& [index, lifetime] : lifetimes) list.push_back(lifetime);
    const MemoryPlan memory = plan_memory(list);
    std::map<std::int32_t, std::uint64_t> offsets;
    std::size_t next = 0;
    for (const auto& [index, lifetime] : lifetimes) offsets[index] = memory.offsets[next++];
    profile_.offsets.assign(plan_.tensors.size(), 0);
    for (std::size_t i = 0; i < plan_.tensors.size(); ++i)
      if (plan_.tensors[i].place == Place::arena && offsets.contains(roots_[i]))
        profile_.offsets[i] = offsets[roots_[i]];
    profile_.arena_bytes = memory.bytes;
    profile_.arena_lower_bound = memory.lower_bound;
  }

  bool share_bytes(std::int32_t a, std::int32_t b) const {
    const auto& first = tensor(a);
    const auto& second = tensor(b);
    if (first.place != second.place || first.place == Place::weight) return false;
    if (first.place == Place::bound) return first.index == second.index;
    const auto begin = [this](std::int32_t index) {
      return profile_.offsets[static_cast<std::size_t>(index)];
    };
    const auto end = [&](std::int32_t index) {
      return begin(index) + bytes_[static_cast<std::size_t>(index)];
    };
    return begin(a) < end(b) && begin(b) < end(a);
  }

  bool conflict(const PlanStep& earlier, const PlanStep& later) const {
    const auto any = [&](const std::vector<std::int32_t>& a, const std::vector<std::int32_t>& b) {
      return std::any_of(a.begin(), a.end(), [&](std::int32_t x) {
        return std::any_of(b.begin(), b.end(), [&](std::int32_t y) { return share_bytes(x, y); });
      });
    };
    return any(earlier.outputs, later.inputs) || any(earlier.outputs, later.outputs) ||
           any(earlier.inputs, later.outputs);
  }

  void order_steps() {
    profile_.conflicts.assign(plan_.steps.size(), -1);
    for (std::size_t i = 0; i < plan_.steps.size(); ++i)
      for (std::size_t j = i; j-- > 0 && profile_.conflicts[i] < 0;)
        if (conflict(plan_.steps[j], plan_.steps[i])) profile_.conflicts[i] = static_cast<std::int32_t>(j);
  }

  const Plan& plan_;
  std::span<const std::int32_t> roots_;
  const PlacementOptions& options_;
  PlanProfile& profile_;
  std::vector<std::uint64_t> bytes_;  // of each tensor, at the profile's maxima
};

}  // namespace

void place_tensors(const Plan& plan, std::span<const std::int32_t> roots, const PlacementOptions& options,
                   PlanProfile& profile) {
  Placement(plan, roots, options, profile).run();
}

}  // namespace lathe
