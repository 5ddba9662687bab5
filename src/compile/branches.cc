#include "compile/branches.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "base/error.h"

namespace lathe {
namespace {

/// The steps whose results each step needs, by tensors and not by places: memory that is used again orders
/// nothing here.
class DataOrder {
 public:
  explicit DataOrder(const Plan& plan) : plan_(plan), before_(plan.steps.size() + 1) {
    std::vector<Access> accesses(plan.tensors.size() + plan.bindings.size());
    for (std::size_t i = 0; i < plan.steps.size(); ++i) {
      for (const auto tensor : plan.steps[i].inputs) {
        if (is_weight(tensor)) continue;
        auto& access = accesses[slot(tensor)];
        need(i, access.writer);
        access.readers.push_back(static_cast<std::int32_t>(i));
      }
      for (const auto tensor : plan.steps[i].outputs) {
        auto& access = accesses[slot(tensor)];
        need(i, access.writer);
        for (const auto reader : access.readers) need(i, reader);
        access = {static_cast<std::int32_t>(i), {}};
      }
    }
    // The end of the run puts the outputs together.
    for (const auto& output : plan.outputs) need(plan.steps.size(), accesses[slot(output.tensor)].writer);
  }

  /// Of the end of the run where `step` is the number of steps.
  const std::vector<std::int32_t>& before(std::size_t step) const { return before_[step]; }

 private:
  struct Access {
    std::int32_t writer = -1;
    std::vector<std::int32_t> readers;
  };

  bool is_weight(std::int32_t tensor) const {
    return plan_.tensors[static_cast<std::size_t>(tensor)].place == Place::weight;
  }

  /// What is bound is one thing, however many tensors show it; in the arena views are their storage.
  std::size_t slot(std::int32_t index) const {
    const auto& tensor = plan_.tensors[static_cast<std::size_t>(index)];
    if (tensor.place == Place::bound) return plan_.tensors.size() + static_cast<std::size_t>(tensor.index);
    return static_cast<std::size_t>(tensor.storage < 0 ? index : tensor.storage);
  }

  void need(std::size_t step, std::int32_t earlier) {
    if (earlier >= 0 && earlier != static_cast<std::int32_t>(step)) before_[step].push_back(earlier);
  }

  const Plan& plan_;
  std::vector<std::vector<std::int32_t>> before_;
};

/// Which steps hang together; grows downwards from the step before a join.
class Components {
 public:
  Components(const DataOrder& order, std::size_t steps) : order_(order), parent_(steps) {
    std::iota(parent_.begin(), parent_.end(), 0);
    users_.resize(steps);
    for (std::size_t step = 0; step < steps; ++step)
      for (const auto earlier : order.before(step))
        users_[static_cast<std::size_t>(earlier)].push_back(static_cast<std::int32_t>(step));
  }

  std::int32_t find(std::int32_t step) {
    while (parent_[static_cast<std::size_t>(step)] != step)
      step = parent_[static_cast<std::size_t>(step)] =
          parent_[static_cast<std::size_t>(parent_[static_cast<std::size_t>(step)])];
    return step;
  }

  void add(std::int32_t step, std::int32_t join) {
    parent_[static_cast<std::size_t>(step)] = step;
    for (const auto user : users_[static_cast<std::size_t>(step)])
      if (user < join) parent_[static_cast<std::size_t>(find(user))] = find(step);
  }

  /// How many of them the join puts together.
  std::size_t feeding(std::size_t join, std::int32_t first) {
    std::vector<std::int32_t> found;
    for (const auto earlier : order_.before(join))
      if (earlier >= first) found.push_back(find(earlier));
    std::sort(found.begin(), found.end());
    return static_cast<std::size_t>(std::unique(found.begin(), found.end()) - found.begin());
  }

 private:
  const DataOrder& order_;
  std::vector<std::int32_t> parent_;
  std::vector<std::vector<std::int32_t>> users_;
};

}  // namespace

namespace {

struct StepRange {
  std::int32_t first;
  std::int32_t last;  // the join; not in it
};

/// From the join downwards until what it puts together is one, in the step that all of it builds on. Empty
/// where it is one at once.
StepRange section_before(std::size_t join, const DataOrder& order, Components& components) {
  const auto& before = order.before(join);
  const auto end = static_cast<std::int32_t>(join);
  if (before.size() < 2) return {end, end};
  const auto least = *std::min_element(before.begin(), before.end());
  std::int32_t first = end;
  std::size_t feeding = 0;
  while (first > 0 && (first > least || feeding >= 2)) {
    components.add(first - 1, end);
    const auto with_next = components.feeding(join, first - 1);
    if (feeding >= 2 && with_next < 2) break;
    feeding = with_next;
    --first;
  }
  return {feeding < 2 ? end : first, end};
}

BranchSection split(const StepRange& range, Components& components) {
  for (auto step = range.last; step-- > range.first;) components.add(step, range.last);
  std::map<std::int32_t, std::vector<std::int32_t>> branches;
  for (auto step = range.first; step < range.last; ++step) branches[components.find(step)].push_back(step);
  BranchSection section{range.first, range.last, {}};
  for (auto& [root, steps] : branches) section.branches.push_back(std::move(steps));
  return section;
}

}  // namespace

std::vector<BranchSection> find_branches(const Plan& plan) {
  const DataOrder order(plan);
  Components components(order, plan.steps.size());
  std::vector<StepRange> ranges;
  for (std::size_t join = 0; join <= plan.steps.size(); ++join) {
    const StepRange range = section_before(join, order, components);
    if (range.first < range.last) ranges.push_back(range);
  }
  std::stable_sort(ranges.begin(), ranges.end(), [](const StepRange& a, const StepRange& b) {
    return a.last - a.first < b.last - b.first;
  });
  std::vector<bool> taken(plan.steps.size(), false);
  std::vector<BranchSection> sections;
  for (const auto& range : ranges) {
    const auto begin = taken.begin() + range.first;
    const auto end = taken.begin() + range.last;
    if (std::find(begin, end, true) != end) continue;
    std::fill(begin, end, true);
    sections.push_back(split(range, components));
  }
  std::sort(sections.begin(), sections.end(),
            [](const BranchSection& a, const BranchSection& b) { return a.first_step < b.first_step; });
  return sections;
}

void assign_branches(const Plan& plan, std::span<const BranchAssignment> assignments,
                     const PlacementOptions& options, PlanProfile& profile) {
  for (const auto& assignment : assignments) {
    CHECK(assignment.section != nullptr && assignment.groups.size() == assignment.section->branches.size());
    for (std::size_t i = 0; i < assignment.groups.size(); ++i)
      for (const auto step : assignment.section->branches[i]) {
        auto& choice = profile.choices[static_cast<std::size_t>(step)];
        choice.first_thread = assignment.groups[i].first_thread;
        choice.threads = assignment.groups[i].threads;
      }
  }
  std::vector<std::int32_t> roots;
  for (std::size_t i = 0; i < plan.tensors.size(); ++i)
    roots.push_back(plan.tensors[i].storage < 0 ? static_cast<std::int32_t>(i) : plan.tensors[i].storage);
  place_tensors(plan, roots, options, profile);
}

}  // namespace lathe
