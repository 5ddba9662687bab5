// Pad(data, pads, value, axes; mode), CenterCropPad(x, shape), Tile(x, repeats) and Trilu(x, k; upper):
// elements of any type with others around them, or zeros in their place.
#include <algorithm>
#include <cstring>

#include "cpu/portable/strided.h"
#include "cpu/portable/strided_copy.h"

namespace lathe::portable {
namespace {

enum class PadMode : std::uint8_t { constant, reflect, edge, wrap };

PadMode pad_mode(const char* text) {
  if (std::strcmp(text, "reflect") == 0) return PadMode::reflect;
  if (std::strcmp(text, "edge") == 0) return PadMode::edge;
  return std::strcmp(text, "wrap") == 0 ? PadMode::wrap : PadMode::constant;
}

/// One axis: elements [first, first + kept) of the input lie from `before` on in the output, which may be
/// negative or beyond its end only where nothing is kept.
struct PadAxis {
  std::int64_t first = 0;
  std::int64_t kept = 0;
  std::int64_t before = 0;
};

/// The input's element at `index` of the output; negative: none.
std::int64_t source_of(const PadAxis& axis, PadMode mode, std::int64_t index) {
  std::int64_t place = index - axis.before;
  if (place >= 0 && place < axis.kept) return axis.first + place;
  if (mode == PadMode::constant) return -1;
  if (mode == PadMode::edge) return axis.first + std::clamp(place, std::int64_t{0}, axis.kept - 1);
  const std::int64_t period =
      mode == PadMode::wrap ? axis.kept : std::max<std::int64_t>(2 * axis.kept - 2, 1);
  place %= period;
  if (place < 0) place += period;
  return axis.first + (place < axis.kept ? place : period - place);
}

using PadAxes = std::array<PadAxis, kMaxRank>;

/// Rows of the output: the middle is copied whole, and the rest element by element.
template <class Element>
void copy_padded(const KernelCall& call, const PadAxes& axes, PadMode mode, Element fill) {
  const auto& x = call.inputs[0];
  const auto& output = call.outputs[0];
  const auto* source = data_of<const Element>(x);
  auto* target = data_of<Element>(output);
  if (output.rank == 0) {
    if (call.thread == 0) *target = *source;
    return;
  }
  const Strides from = dense_strides(x);
  const int last = output.rank - 1;
  const PadAxis columns = axes[static_cast<std::size_t>(last)];
  const std::int64_t width = output.dims[last];
  const std::int64_t left = std::clamp(columns.before, std::int64_t{0}, width);
  const std::int64_t right = std::clamp(columns.before + columns.kept, left, width);
  const Share share = share_of(call, row_count(output));
  for (std::int64_t row = share.begin; row < share.end; ++row) {
    std::int64_t rest = row;
    std::int64_t offset = 0;
    bool inside = true;
    for (int i = last - 1; i >= 0; --i) {
      const auto axis = static_cast<std::size_t>(i);
      const std::int64_t index = source_of(axes[axis], mode, rest % output.dims[i]);
      rest /= output.dims[i];
      inside = inside && index >= 0;
      offset += index * from[axis];
    }
    Element* y = target + row * width;
    if (!inside) {
      std::fill_n(y, width, fill);
      continue;
    }
    const auto element = [&](std::int64_t i) {
      const std::int64_t index = source_of(columns, mode, i);
      return index < 0 ? fill : source[offset + index];
    };
    for (std::int64_t i = 0; i < left; ++i) y[i] = element(i);
    std::copy_n(source + offset + columns.first, right - left, y + left);
    for (std::int64_t i = right; i < width; ++i) y[i] = element(i);
  }
}

void run_pad(const KernelCall& call) {
  const auto& x = call.inputs[0];
  PadAxes axes;
  for (int i = 0; i < x.rank; ++i) axes[static_cast<std::size_t>(i)].kept = x.dims[i];
  const std::int64_t named = element_count(call.inputs[1]) / 2;
  for (std::int64_t i = 0; i < named; ++i) {
    const int axis = axis_of(has_input(call, 3) ? integer_at(call.inputs[3], i) : i, x.rank);
    const std::int64_t before = integer_at(call.inputs[1], i);
    const std::int64_t behind = integer_at(call.inputs[1], i + named);
    const std::int64_t cut = std::max(-before, std::int64_t{0});
    axes[static_cast<std::size_t>(axis)] = {cut, x.dims[axis] - cut - std::max(-behind, std::int64_t{0}),
                                            std::max(before, std::int64_t{0})};
  }
  visit_bytes(x, [&](auto zero) {
    const auto fill = has_input(call, 2) ? *data_of<const decltype(zero)>(call.inputs[2]) : zero;
    copy_padded(call, axes, pad_mode(call.attributes[0].text), fill);
  });
}

void run_center(const KernelCall& call) {
  const auto& x = call.inputs[0];
  PadAxes axes;
  for (int i = 0; i < x.rank; ++i) {
    const std::int64_t from = x.dims[i];
    const std::int64_t to = call.outputs[0].dims[i];
    axes[static_cast<std::size_t>(i)] = {std::max(from - to, std::int64_t{0}) / 2, std::min(from, to),
                                         std::max(to - from, std::int64_t{0}) / 2};
  }
  visit_bytes(x, [&](auto zero) { copy_padded(call, axes, PadMode::constant, zero); });
}

void run_tile(const KernelCall& call) {
  const auto& x = call.inputs[0];
  const auto& output = call.outputs[0];
  const Strides from = dense_strides(x);
  const Strides to = dense_strides(output);
  StridedCopy copy(x.data, output.data);
  for (int i = 0; i < x.rank; ++i) {
    const auto axis = static_cast<std::size_t>(i);
    copy.add_axis(x.dims[i] == 0 ? 0 : output.dims[i] / x.dims[i], 0, to[axis] * x.dims[i]);
    copy.add_axis(x.dims[i], from[axis], to[axis]);
  }
  run_copy(copy, x, call);
}

void run_trilu(const KernelCall& call) {
  const auto& x = call.inputs[0];
  const bool upper = call.attributes[0].integer != 0;
  const std::int64_t k =
      has_input(call, 1) ? std::clamp(integer_at(call.inputs[1], 0), -kMaxDim, kMaxDim) : 0;
  const std::int64_t columns = column_count(x);
  const std::int64_t rows = x.dims[x.rank - 2];
  const Share share = share_of(call, row_count(x));
  visit_bytes(x, [&](auto zero) {
    using Element = decltype(zero);
    for (std::int64_t row = share.begin; row < share.end; ++row) {
      const auto* source = data_of<const Element>(x) + row * columns;
      auto* target = data_of<Element>(call.outputs[0]) + row * columns;
      // where the row's part of the triangle begins or, of the lower one, ends
      const std::int64_t border = std::clamp(row % rows + k + (upper ? 0 : 1), std::int64_t{0}, columns);
      const std::int64_t begin = upper ? border : 0;
      const std::int64_t end = upper ? columns : border;
      std::fill_n(target, begin, zero);
      std::copy_n(source + begin, std::max(end - begin, std::int64_t{0}), target + begin);
      std::fill(target + end, target + columns, zero);
    }
  });
}

Kernel kernel(const char* name, std::string_view op, KernelFunction run) {
  return {.name = name,
          .op = op,
          .arithmetic = "exact",
          .accepts = accepts_elements,
          .run = run,
          .serial = few_elements};
}

}  // namespace

std::span<const Kernel> pad_kernels() {
  static const Kernel kKernels[] = {
      kernel("portable.center_crop_pad", "CenterCropPad", run_center),
      kernel("portable.pad", "Pad", run_pad),
      kernel("portable.tile", "Tile", run_tile),
      kernel("portable.trilu", "Trilu", run_trilu),
  };
  return kKernels;
}

}  // namespace lathe::portable
