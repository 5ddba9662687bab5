#include "compile/place_tensors.h"

#include <algorithm>

#include "backend/step_order.h"
#include "base/error.h"
#include "compile/plan_memory.h"

namespace lathe {
namespace {

bool is_group(const StepChoice& choice) { return choice.threads > 0; }

bool same_group(const StepChoice& a, const StepChoice& b) {
  return a.first_thread == b.first_thread && a.threads == b.threads;
}

bool disjoint(const StepChoice& a, const StepChoice& b) {
  return a.first_thread + a.threads <= b.first_thread || b.first_thread + b.threads <= a.first_thread;
}

class Placement {
 public:
  Placement(const Plan& plan, std::span<const std::int32_t> roots, const PlacementOptions& options,
            PlanProfile& profile)
      : plan_(plan),
        options_(options),
        profile_(profile),
        storage_(roots.begin(), roots.end()),
        inside_(plan.tensors.size(), 0),
        lifetimes_(plan.tensors.size()) {
    for (const auto& tensor : plan_.tensors)
      bytes_.push_back(tensor.place == Place::arena ? bytes_at_maximum(plan, profile, tensor.type) : 0);
  }

  void run() {
    find_lifetimes();
    if (options_.reuse_memory) {
      keep_while_groups_run();  // first, so that no group writes over what another one reads
      share_bytes();
    }
    place();
    const StepOrder order(plan_, profile_);
    profile_.conflicts.clear();
    for (std::size_t i = 0; i < plan_.steps.size(); ++i)
      profile_.conflicts.push_back(order.before(i).empty() ? -1 : order.before(i).back());
  }

 private:
  static constexpr std::int32_t kUnused = -1;
  static constexpr std::uint64_t kAlignment = 64;  // of tensors in the arena

  bool in_arena(std::int32_t index) const {
    return plan_.tensors[static_cast<std::size_t>(index)].place == Place::arena;
  }
  std::int32_t storage(std::int32_t index) {
    auto current = static_cast<std::size_t>(index);
    while (storage_[current] != static_cast<std::int32_t>(current)) {
      const auto next = static_cast<std::size_t>(storage_[current]);
      inside_[current] += inside_[next];  // shorter for the next one who asks
      storage_[current] = storage_[next];
      current = next;
    }
    return static_cast<std::int32_t>(current);
  }
  std::uint64_t begin_in_storage(std::size_t index) const {
    std::uint64_t begin = 0;
    for (auto i = index; storage_[i] != static_cast<std::int32_t>(i);
         i = static_cast<std::size_t>(storage_[i]))
      begin += inside_[i];
    return begin;
  }
  Lifetime& lifetime(std::int32_t index) { return lifetimes_[static_cast<std::size_t>(storage(index))]; }
  std::int32_t steps() const { return static_cast<std::int32_t>(plan_.steps.size()); }

  void touch(std::int32_t index, std::int32_t step) {
    if (!in_arena(index)) return;
    auto& life = lifetime(index);
    if (life.first_step == kUnused) life.first_step = options_.reuse_memory ? step : 0;
    life.bytes = std::max(life.bytes, bytes_[static_cast<std::size_t>(index)]);
    life.last_step = options_.reuse_memory ? step : steps();
  }

  void find_lifetimes() {
    for (auto& life : lifetimes_) life.first_step = kUnused;
    for (std::int32_t i = 0; i < steps(); ++i) {
      for (const auto index : plan_.steps[static_cast<std::size_t>(i)].inputs) touch(index, i);
      for (const auto index : plan_.steps[static_cast<std::size_t>(i)].outputs) touch(index, i);
    }
    for (const auto& output : plan_.outputs) touch(output.tensor, steps());
  }

  void share_bytes() {
    for (std::int32_t i = 0; i < steps(); ++i) {
      const Op* op = plan_.steps[static_cast<std::size_t>(i)].op;
      if (op != nullptr && op->name == "Concat")
        share_with_concatenated(i);
      else
        share_in_place(i);
    }
  }

  /// What is concatenated is computed where it ends up, if that is one run of whole lines of the cache.
  void share_with_concatenated(std::int32_t index) {
    const auto& step = plan_.steps[static_cast<std::size_t>(index)];
    const auto output = step.outputs[0];
    if (!in_arena(output) || storage(output) != output || lifetime(output).first_step != index) return;
    if (!is_one_run(step)) return;
    std::uint64_t begin = 0;
    for (const auto input : step.inputs) {
      const std::uint64_t bytes =
          bytes_at_maximum(plan_, profile_, plan_.tensors[static_cast<std::size_t>(input)].type);
      const auto root = storage(input);
      const bool once = std::count_if(step.inputs.begin(), step.inputs.end(),
                                      [&](std::int32_t other) { return storage(other) == root; }) == 1;
      if (in_arena(input) && once && root != output && begin % kAlignment == 0 &&
          lifetime(input).first_step != kUnused && lifetime(input).bytes == bytes) {
        auto& whole = lifetime(output);
        whole.first_step = std::min(whole.first_step, lifetime(input).first_step);
        whole.last_step = std::max(whole.last_step, lifetime(input).last_step);
        lifetime(input).first_step = kUnused;
        storage_[static_cast<std::size_t>(root)] = output;
        inside_[static_cast<std::size_t>(root)] = begin;
      }
      begin += bytes;
    }
  }

  /// Of sizes that are numbers, with nothing but ones in front of the axis.
  bool is_one_run(const PlanStep& step) const {
    const auto type = [this](std::int32_t tensor) -> const ValueType& {
      return plan_.tensors[static_cast<std::size_t>(tensor)].type;
    };
    const auto& whole = type(step.outputs[0]).dims;
    const std::int64_t axis = step.attributes.values()[0].integer;
    const auto first = whole.begin() + (axis < 0 ? axis + static_cast<std::int64_t>(whole.size()) : axis);
    if (!std::all_of(whole.begin(), first, [](const Dim& dim) { return dim == Dim(1); })) return false;
    return std::all_of(step.inputs.begin(), step.inputs.end(), [&](std::int32_t input) {
      return std::none_of(type(input).dims.begin(), type(input).dims.end(),
                          [](const Dim& dim) { return dim.is_symbolic(); });
    });
  }

  /// An input that no later step needs gives its bytes to the output, where the kernel reads each element
  /// before it writes it, on the same thread.
  void share_in_place(std::int32_t i) {
    const auto& step = plan_.steps[static_cast<std::size_t>(i)];
    const Kernel* kernel = profile_.choices[static_cast<std::size_t>(i)].kernel;
    if (kernel == nullptr || kernel->in_place_input < 0 || step.outputs.empty()) return;
    const auto position = static_cast<std::size_t>(kernel->in_place_input);
    if (position >= step.inputs.size()) return;
    const auto input = step.inputs[position];
    const auto output = step.outputs[0];
    if (!may_share(step, i, input, output)) return;
    const auto last = lifetime(output).last_step;
    lifetime(output).first_step = kUnused;
    storage_[static_cast<std::size_t>(storage(output))] = storage(input);
    lifetime(input).last_step = last;
  }

  bool may_share(const PlanStep& step, std::int32_t index, std::int32_t input, std::int32_t output) {
    const auto type = [this](std::int32_t tensor) -> const ValueType& {
      return plan_.tensors[static_cast<std::size_t>(tensor)].type;
    };
    if (!in_arena(input) || !in_arena(output) || type(input) != type(output)) return false;
    if (storage(input) == storage(output) || lifetime(input).last_step != index) return false;
    if (lifetime(output).first_step != index || lifetime(output).bytes != lifetime(input).bytes) return false;
    const auto touches = [&](const std::vector<std::int32_t>& tensors) {
      return std::count_if(tensors.begin(), tensors.end(),
                           [&](std::int32_t other) { return storage(other) == storage(input); });
    };
    return touches(step.inputs) == 1 && touches(step.outputs) == 0;
  }

  /// Consecutive steps on groups of threads that share no thread run at the same time: what one of them
  /// needs, no other may write to.
  void keep_while_groups_run() {
    const auto& choices = profile_.choices;
    for (std::size_t begin = 0; begin < choices.size();) {
      std::size_t end = begin + 1;
      bool several = false;
      const auto fits = [&](std::size_t next) {
        return is_group(choices[next]) &&
               std::all_of(choices.begin() + static_cast<std::ptrdiff_t>(begin),
                           choices.begin() + static_cast<std::ptrdiff_t>(next), [&](const StepChoice& other) {
                             return same_group(other, choices[next]) || disjoint(other, choices[next]);
                           });
      };
      for (; is_group(choices[begin]) && end < choices.size() && fits(end); ++end)
        several = several || !same_group(choices[begin], choices[end]);
      if (several) extend(static_cast<std::int32_t>(begin), static_cast<std::int32_t>(end) - 1);
      begin = end;
    }
  }

  void extend(std::int32_t first, std::int32_t last) {
    for (auto& life : lifetimes_) {
      if (life.first_step == kUnused || life.first_step > last || life.last_step < first) continue;
      life.first_step = std::min(life.first_step, first);
      life.last_step = std::max(life.last_step, last);
    }
  }

  void place() {
    std::vector<Lifetime> used;
    std::vector<std::size_t> place_of(lifetimes_.size(), 0);
    for (std::size_t i = 0; i < lifetimes_.size(); ++i) {
      if (lifetimes_[i].first_step == kUnused) continue;
      place_of[i] = used.size();
      used.push_back(lifetimes_[i]);
    }
    const MemoryPlan memory = plan_memory(used);
    profile_.offsets.assign(plan_.tensors.size(), 0);
    for (std::size_t i = 0; i < plan_.tensors.size(); ++i) {
      const auto root = static_cast<std::size_t>(storage(static_cast<std::int32_t>(i)));
      if (plan_.tensors[i].place == Place::arena && lifetimes_[root].first_step != kUnused)
        profile_.offsets[i] = memory.offsets[place_of[root]] + begin_in_storage(i);
    }
    profile_.arena_bytes = memory.bytes;
    profile_.arena_lower_bound = memory.lower_bound;
  }

  const Plan& plan_;
  const PlacementOptions& options_;
  PlanProfile& profile_;
  std::vector<std::int32_t> storage_;  // per tensor: towards the one whose bytes it uses
  std::vector<std::uint64_t> inside_;  // per tensor: where it begins in that one's
  std::vector<Lifetime> lifetimes_;    // per tensor that others use the bytes of
  std::vector<std::uint64_t> bytes_;   // of each tensor, at the profile's maxima
};

}  // namespace

void place_tensors(const Plan& plan, std::span<const std::int32_t> roots, const PlacementOptions& options,
                   PlanProfile& profile) {
  Placement(plan, roots, options, profile).run();
}

}  // namespace lathe
