#include "api/inspect_memory.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "tensor/tensor_view.h"

namespace lathe {
namespace {

class MemoryWalk {
 public:
  MemoryWalk(const Plan& plan, const PlanProfile& profile, ProfileInspection& inspection)
      : plan_(plan), profile_(profile), inspection_(inspection) {}

  void run() {
    const auto steps = static_cast<std::int32_t>(plan_.steps.size());
    for (std::int32_t i = 0; i < steps; ++i) {
      const PlanStep& step = plan_.steps[static_cast<std::size_t>(i)];
      for (const auto tensor : step.inputs) read(tensor, i);
      for (const auto tensor : step.outputs) write(tensor, i);
    }
    for (const auto& output : plan_.outputs) read(output.tensor, steps);
    inspection_.arena_bytes = profile_.arena_bytes;
    inspection_.arena_lower_bound = profile_.arena_lower_bound;
  }

 private:
  const PlanTensor& tensor(std::int32_t index) const {
    return plan_.tensors[static_cast<std::size_t>(index)];
  }
  std::uint64_t offset(std::int32_t index) const { return profile_.offsets[static_cast<std::size_t>(index)]; }

  std::uint64_t bytes(std::int32_t index) const {
    Shape shape;
    for (const auto& dim : tensor(index).type.dims)
      shape.push_back(dim.is_symbolic()
                          ? profile_.symbols[static_cast<std::size_t>(plan_.symbol(dim.symbol))].maximum
                          : dim.value);
    return dense_bytes(tensor(index).type.dtype, shape);
  }

  /// A view is never written: what it shows lies where the latest tensor at its offset does.
  void read(std::int32_t index, std::int32_t step) {
    if (tensor(index).place != Place::arena) return;
    const auto found = latest_.find(offset(index));
    if (found == latest_.end()) return;
    auto& placement = inspection_.placements[found->second];
    placement.last_step = std::max(placement.last_step, step);
  }

  void write(std::int32_t index, std::int32_t step) {
    if (tensor(index).place != Place::arena) return;
    PlacementInspection placement{printable(tensor(index).name), offset(index), bytes(index), step, step};
    placement.in_place =
        std::any_of(inspection_.placements.begin(), inspection_.placements.end(), [&](const auto& earlier) {
          return earlier.first_step < step && earlier.last_step == step && overlap(earlier, placement);
        });
    inspection_.tensor_bytes += placement.bytes;
    if (placement.in_place) inspection_.in_place_bytes += placement.bytes;
    latest_[placement.offset] = inspection_.placements.size();
    inspection_.placements.push_back(std::move(placement));
  }

  static bool overlap(const PlacementInspection& a, const PlacementInspection& b) {
    return a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;
  }

  const Plan& plan_;
  const PlanProfile& profile_;
  ProfileInspection& inspection_;
  std::map<std::uint64_t, std::size_t> latest_;  // by offset: index of the placement
};

}  // namespace

void inspect_memory(const Plan& plan, const PlanProfile& profile, ProfileInspection& inspection) {
  MemoryWalk(plan, profile, inspection).run();
}

}  // namespace lathe
