#include "report/graph_segments.h"

#include <algorithm>
#include <map>
#include <optional>

namespace lathe::report {
namespace {

/// A layer's prefix, "blk.12": the name up to its first part that is a number. Empty: the name has none.
std::string block_of(const std::string& name) {
  for (std::size_t start = 0; start < name.size();) {
    const std::size_t end = std::min(name.find_first_of(". ", start), name.size());
    const bool is_number = end > start && std::all_of(name.begin() + static_cast<std::ptrdiff_t>(start),
                                                      name.begin() + static_cast<std::ptrdiff_t>(end),
                                                      [](char c) { return c >= '0' && c <= '9'; });
    if (is_number) return name.substr(0, end);
    if (end < name.size() && name[end] == ' ') break;  // the next one's name
    start = end + 1;
  }
  return {};
}

class Cutter {
 public:
  explicit Cutter(const Inspection& inspection) : inspection_(inspection) {}

  std::vector<Segment> cut() {
    for (std::size_t i = 0; i < inspection_.before.size(); ++i)
      segment_for(block_of(inspection_.before[i].name)).nodes.push_back(i);
    for (std::size_t i = 0; i < inspection_.steps.size(); ++i)
      segment_for(block_of(inspection_.steps[i].name)).steps.push_back(i);
    std::vector<Segment> ordered;
    Segment first = named("before the layers");
    Segment last = named("behind the layers");
    split(loose_, first, last);
    if (!first.nodes.empty() || !first.steps.empty()) ordered.push_back(std::move(first));
    for (auto& segment : blocks_) ordered.push_back(std::move(segment));
    if (!last.nodes.empty() || !last.steps.empty()) ordered.push_back(std::move(last));
    return fold(std::move(ordered));
  }

 private:
  static Segment named(std::string title) {
    Segment segment;
    segment.title = std::move(title);
    return segment;
  }

  Segment& segment_for(const std::string& block) {
    if (block.empty()) return loose_;
    const auto [found, is_new] = by_name_.try_emplace(block, blocks_.size());
    if (is_new) blocks_.push_back(named(block));
    return blocks_[found->second];
  }

  /// What belongs to no layer comes before them all, or behind the first step of the last one.
  void split(const Segment& loose, Segment& first, Segment& last) const {
    const bool layered = !blocks_.empty();
    const auto turn = [&](const std::vector<std::size_t>& of_last) {
      return !layered || of_last.empty() ? std::size_t(-1) : of_last.front();
    };
    const std::size_t node_turn = layered ? turn(blocks_.back().nodes) : std::size_t(-1);
    const std::size_t step_turn = layered ? turn(blocks_.back().steps) : std::size_t(-1);
    for (const auto node : loose.nodes) (node < node_turn ? first : last).nodes.push_back(node);
    for (const auto step : loose.steps) (step < step_turn ? first : last).steps.push_back(step);
  }

  /// What two blocks must share to be shown as one.
  std::string signature(const Segment& segment) const {
    std::string text;
    for (const auto node : segment.nodes) text += inspection_.before[node].op + ",";
    for (const auto index : segment.steps) {
      const StepInspection& step = inspection_.steps[index];
      text += "\n" + step.kind + " " + step.kernel;
      for (const auto& operand : step.inputs) text += " " + operand.text();
    }
    return text;
  }

  std::vector<Segment> fold(std::vector<Segment> segments) const {
    std::vector<Segment> folded;
    std::string before;
    for (auto& segment : segments) {
      const std::string own = signature(segment);
      if (!folded.empty() && own == before)
        ++folded.back().count;
      else
        folded.push_back(std::move(segment));
      before = own;
    }
    return folded;
  }

  const Inspection& inspection_;
  Segment loose_;
  std::vector<Segment> blocks_;
  std::map<std::string, std::size_t> by_name_;
};

}  // namespace

std::vector<Segment> segments_of(const Inspection& inspection) { return Cutter(inspection).cut(); }

}  // namespace lathe::report
