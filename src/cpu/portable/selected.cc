// Ops whose result is as long as their data says: NonZero(x), Compress(x, condition; axis), Unique(x; axis,
// sorted), NonMaxSuppression(boxes, scores, most, overlap, score; center_point_box). The shape rule has
// counted.
#include <algorithm>
#include <cstring>

#include "cpu/portable/element_visit.h"
#include "graph/select_boxes.h"
#include "graph/unique_slices.h"

namespace lathe::portable {
namespace {

void run_non_zero(const KernelCall& call) {
  const auto& x = call.inputs[0];
  const std::int64_t found = call.outputs[0].dims[1];
  auto* y = data_of<std::int64_t>(call.outputs[0]);
  visit_number(x, [&]<class Format>(Format) {
    const auto* data = data_of<const typename Format::Stored>(x);
    std::int64_t place = 0;
    for (std::int64_t i = 0; place < found; ++i) {
      if (Format::load(data[i]) == typename Format::Value{}) continue;
      std::int64_t rest = i;
      for (int axis = x.rank - 1; axis >= 0; --axis) {
        y[axis * found + place] = rest % x.dims[axis];
        rest /= x.dims[axis];
      }
      ++place;
    }
  });
}

void run_compress(const KernelCall& call) {
  const auto& x = call.inputs[0];
  const int axis = axis_of(call.attributes[0].integer, x.rank);
  const auto run = static_cast<std::size_t>(product(x, axis + 1, x.rank) * element_bytes(x));
  const std::int64_t length = element_count(call.inputs[1]);
  const auto* condition = data_of<const std::uint8_t>(call.inputs[1]);
  const auto* source = data_of<const std::byte>(x);
  auto* target = data_of<std::byte>(call.outputs[0]);
  for (std::int64_t outer = 0; outer < product(x, 0, axis); ++outer) {
    for (std::int64_t i = 0; i < length; ++i) {
      if (condition[i] == 0) continue;
      std::memcpy(target, source + static_cast<std::size_t>(outer * x.dims[axis] + i) * run, run);
      target += run;
    }
  }
}

void run_unique(const KernelCall& call) {
  const auto& x = call.inputs[0];
  const int axis = axis_of(call.attributes[0].integer, x.rank);
  const SliceView view{data_of<const std::byte>(x), static_cast<Dtype>(x.dtype), product(x, 0, axis),
                       x.dims[axis], product(x, axis + 1, x.rank)};
  const UniqueSlices unique = unique_slices(view, call.attributes[1].integer != 0);
  const std::int64_t outputs = call.attributes[2].integer;
  const auto run = static_cast<std::size_t>(view.inner * element_bytes(x));
  auto* target = data_of<std::byte>(call.outputs[0]);
  for (std::int64_t outer = 0; outer < view.outer; ++outer) {
    for (const auto slice : unique.first) {
      std::memcpy(target, view.data + static_cast<std::size_t>(outer * view.count + slice) * run, run);
      target += run;
    }
  }
  if (outputs > 1) std::ranges::copy(unique.first, data_of<std::int64_t>(call.outputs[1]));
  if (outputs > 2) std::ranges::copy(unique.inverse, data_of<std::int64_t>(call.outputs[2]));
  if (outputs > 3) std::ranges::copy(unique.counts, data_of<std::int64_t>(call.outputs[3]));
}

void run_boxes(const KernelCall& call) {
  const auto limit = [&call](int input) {
    return has_input(call, input) ? *data_of<const float>(call.inputs[input]) : 0.0f;
  };
  const auto& scores = call.inputs[1];
  const auto boxes =
      select_boxes({data_of<const float>(call.inputs[0]), data_of<const float>(scores), scores.dims[0],
                    scores.dims[1], scores.dims[2], has_input(call, 2) ? integer_at(call.inputs[2], 0) : 0,
                    limit(3), has_input(call, 4), limit(4), call.attributes[0].integer != 0});
  auto* y = data_of<std::int64_t>(call.outputs[0]);
  for (const auto& box : boxes) y = std::ranges::copy(box, y).out;
}

bool accepts_any(const NodeTypes&) { return true; }
bool serial(const KernelCall&) { return true; }  // where an element goes depends on those in front of it

Kernel kernel(const char* name, std::string_view op, bool (*accepts)(const NodeTypes&), KernelFunction run) {
  return {.name = name, .op = op, .arithmetic = "exact", .accepts = accepts, .run = run, .serial = serial};
}

}  // namespace

std::span<const Kernel> selected_kernels() {
  static const Kernel kKernels[] = {
      kernel("portable.compress", "Compress", accepts_elements, run_compress),
      kernel("portable.non_max_suppression", "NonMaxSuppression", accepts_any, run_boxes),
      kernel("portable.non_zero", "NonZero", accepts_numbers, run_non_zero),
      kernel("portable.unique", "Unique", accepts_numbers, run_unique),
  };
  return kKernels;
}

}  // namespace lathe::portable
