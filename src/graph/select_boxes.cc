#include "graph/select_boxes.h"

#include <algorithm>
#include <utility>

namespace lathe {
namespace {

struct Box {
  float left, right, top, bottom;
};

Box box_at(const float* at, bool centered) {
  if (centered) return {at[0] - at[2] / 2, at[0] + at[2] / 2, at[1] - at[3] / 2, at[1] + at[3] / 2};
  const auto [top, bottom] = std::minmax(at[0], at[2]);
  const auto [left, right] = std::minmax(at[1], at[3]);
  return {left, right, top, bottom};
}

bool overlap(const Box& a, const Box& b, float limit) {
  const float width = std::min(a.right, b.right) - std::max(a.left, b.left);
  const float height = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
  if (!(width > 0) || !(height > 0)) return false;
  const float area_a = (a.right - a.left) * (a.bottom - a.top);
  const float area_b = (b.right - b.left) * (b.bottom - b.top);
  const float common = width * height;
  const float both = area_a + area_b - common;
  return area_a > 0 && area_b > 0 && both > 0 && common / both > limit;
}

}  // namespace

std::vector<std::array<std::int64_t, 3>> select_boxes(const BoxSelection& selection) {
  std::vector<std::array<std::int64_t, 3>> result;
  std::vector<std::int64_t> order;
  std::vector<Box> kept;
  for (std::int64_t row = 0; row < selection.batches * selection.classes; ++row) {
    const std::int64_t batch = row / selection.classes;
    const float* scores = selection.scores + row * selection.box_count;
    const float* boxes = selection.boxes + batch * selection.box_count * 4;
    order.clear();
    kept.clear();
    for (std::int64_t i = 0; i < selection.box_count; ++i)
      if (scores[i] == scores[i] && (!selection.has_score_limit || scores[i] > selection.score_limit))
        order.push_back(i);
    std::ranges::stable_sort(order,
                             [scores](std::int64_t a, std::int64_t b) { return scores[a] > scores[b]; });
    for (const auto index : order) {
      if (static_cast<std::int64_t>(kept.size()) >= selection.most_per_class) break;
      const Box box = box_at(boxes + index * 4, selection.centered);
      const auto covers = [&](const Box& other) { return overlap(box, other, selection.overlap_limit); };
      if (std::ranges::any_of(kept, covers)) continue;
      kept.push_back(box);
      result.push_back({batch, row % selection.classes, index});
    }
  }
  return result;
}

}  // namespace lathe
