#include "backend/step_order.h"

#include <algorithm>
#include <map>

namespace lathe {
namespace {

/// Who touched which bytes last: segments without gaps, each from its key to the next one's.
class LastAccess {
 public:
  void read(std::uint64_t begin, std::uint64_t end, std::int32_t step, std::vector<std::int32_t>& before) {
    for_each(begin, end, [&](Segment& segment) {
      before.push_back(segment.writer);
      if (segment.readers.empty() || segment.readers.back() != step) segment.readers.push_back(step);
    });
  }

  void write(std::uint64_t begin, std::uint64_t end, std::int32_t step, std::vector<std::int32_t>& before) {
    if (begin == end) return;
    for_each(begin, end, [&](const Segment& segment) {
      before.push_back(segment.writer);
      before.insert(before.end(), segment.readers.begin(), segment.readers.end());
    });
    const auto first = segments_.find(begin);
    segments_.erase(std::next(first), segments_.find(end));  // one segment from now on
    first->second = {step, {}};
  }

 private:
  struct Segment {
    std::int32_t writer = -1;
    std::vector<std::int32_t> readers;  // since it was written
  };

  void split(std::uint64_t at) {
    const auto behind = segments_.upper_bound(at);
    const auto holder = std::prev(behind);
    if (holder->first != at) segments_.emplace_hint(behind, at, holder->second);
  }

  template <class Visit>
  void for_each(std::uint64_t begin, std::uint64_t end, Visit visit) {
    if (begin == end) return;
    split(begin);
    split(end);
    for (auto segment = segments_.find(begin); segment->first != end; ++segment) visit(segment->second);
  }

  std::map<std::uint64_t, Segment> segments_{{0, {}}};
};

}  // namespace

std::uint64_t bytes_at_maximum(const Plan& plan, const PlanProfile& profile, const ValueType& type) {
  Shape shape;
  for (const auto& dim : type.dims)
    shape.push_back(dim.is_symbolic()
                        ? profile.symbols[static_cast<std::size_t>(plan.symbol(dim.symbol))].maximum
                        : dim.value);
  return dense_bytes(type.dtype, shape);
}

StepOrder::StepOrder(const Plan& plan, const PlanProfile& profile) {
  LastAccess arena;
  std::vector<LastAccess> bound(plan.bindings.size());  // each as one whole
  std::vector<std::uint64_t> bytes(plan.tensors.size(), 0);
  for (std::size_t i = 0; i < plan.tensors.size(); ++i)
    if (plan.tensors[i].place == Place::arena)
      bytes[i] = bytes_at_maximum(plan, profile, plan.tensors[i].type);

  std::vector<std::int32_t> before;
  const auto touch = [&](std::int32_t index, std::size_t step, auto access) {
    const auto tensor = static_cast<std::size_t>(index);
    const auto& place = plan.tensors[tensor];
    const auto number = static_cast<std::int32_t>(step);
    if (place.place == Place::arena)
      (arena.*access)(profile.offsets[tensor], profile.offsets[tensor] + bytes[tensor], number, before);
    if (place.place == Place::bound)
      (bound[static_cast<std::size_t>(place.index)].*access)(0, 1, number, before);
  };
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    before.clear();
    for (const auto tensor : plan.steps[i].inputs) touch(tensor, i, &LastAccess::read);
    for (const auto tensor : plan.steps[i].outputs) touch(tensor, i, &LastAccess::write);
    std::sort(before.begin(), before.end());
    before.erase(std::unique(before.begin(), before.end()), before.end());
    for (const auto step : before)
      if (step >= 0 && step != static_cast<std::int32_t>(i)) steps_.push_back(step);
    first_.push_back(steps_.size());
  }
}

}  // namespace lathe
