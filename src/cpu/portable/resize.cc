// Resize (x, roi, scales, sizes). The mode nearest copies elements of any type; linear and cubic take the
// weighted sum over all axes in double, whole numbers rounded to nearest even and saturated.
#include <array>
#include <limits>

#include "cpu/portable/float_element.h"
#include "cpu/portable/resize_axis.h"
#include "graph/window.h"

namespace lathe::portable {
namespace {

template <class Integer, Dtype dtype>
struct WholeElement {
  using Stored = Integer;
  using Number = double;
  static constexpr Dtype kDtype = dtype;
  static Number load(Stored x) { return x; }
  static Stored store(Number x) {
    constexpr double kLeast = std::numeric_limits<Integer>::lowest();
    constexpr double kMost = std::numeric_limits<Integer>::max();
    return static_cast<Stored>(x == x ? std::clamp(std::nearbyint(x), kLeast, kMost) : 0.0);
  }
};

/// All axes, and the samples of each one's elements in this thread's scratch.
struct Plan {
  int rank;
  std::array<ResizeAxis, kMaxRank> axes;
  std::array<std::int64_t, kMaxRank> strides;  // of x
  std::array<const ResizeSample*, kMaxRank> samples;
};

void fill_axes(const KernelCall& call, Plan& plan) {
  const TensorArg& x = call.inputs[0];
  const TensorArg& y = call.outputs[0];
  plan.rank = x.rank;
  std::int64_t stride = 1;
  for (int i = x.rank - 1; i >= 0; --i) {
    const auto axis = static_cast<std::size_t>(i);
    plan.axes[axis] = {x.dims[i], y.dims[i], 1, 0, 1};
    plan.strides[axis] = stride;
    stride *= x.dims[i];
  }
  const WindowNumbers listed = window_numbers(call.attributes[1].text);
  const int count = listed.count > 0 ? listed.count : x.rank;
  const auto axis_at = [&](int i) -> ResizeAxis& {
    const std::int64_t given = listed.count > 0 ? listed.values[i] : i;
    return plan.axes[static_cast<std::size_t>(given < 0 ? given + x.rank : given)];
  };
  const bool by_scales = is_given(call, 2);
  const bool crops = has_text(call.attributes[2], "tf_crop_and_resize");
  const bool stretches = has_text(call.attributes[6], "stretch");
  const bool smaller = has_text(call.attributes[6], "not_larger");
  double one_scale = 0;
  for (int i = 0; i < count; ++i) {
    ResizeAxis& axis = axis_at(i);
    const auto size = static_cast<double>(by_scales ? 0 : whole_number(call.inputs[3], i));
    axis.scale = by_scales ? static_cast<double>(data_of<const float>(call.inputs[2])[i])
                           : size / static_cast<double>(axis.input);
    if (i == 0)
      one_scale = axis.scale;
    else
      one_scale = smaller ? std::min(one_scale, axis.scale) : std::max(one_scale, axis.scale);
    if (!crops) continue;
    axis.roi_start = channel_number(call.inputs[1], i);
    axis.roi_end = channel_number(call.inputs[1], count + i);
  }
  if (by_scales || stretches) return;
  for (int i = 0; i < count; ++i) axis_at(i).scale = one_scale;
}

Plan plan_of(const KernelCall& call, const ResizeRule& rule) {
  Plan plan;
  fill_axes(call, plan);
  auto* sample = static_cast<ResizeSample*>(call.scratch);
  for (std::size_t axis = 0; axis < static_cast<std::size_t>(plan.rank); ++axis) {
    plan.samples[axis] = sample;
    for (std::int64_t i = 0; i < plan.axes[axis].output; ++i) *sample++ = rule.sample(plan.axes[axis], i);
  }
  return plan;
}

std::size_t scratch_bytes(const KernelCall& call) {
  std::int64_t samples = 0;
  for (int i = 0; i < call.outputs[0].rank; ++i) samples += call.outputs[0].dims[i];
  return static_cast<std::size_t>(samples) * sizeof(ResizeSample);
}

/// The samples of the output's element; whether one lies outside.
bool find_samples(const Plan& plan, std::int64_t index, std::array<const ResizeSample*, kMaxRank>& found) {
  bool outside = false;
  for (int i = plan.rank - 1; i >= 0; --i) {
    const auto axis = static_cast<std::size_t>(i);
    found[axis] = plan.samples[axis] + index % plan.axes[axis].output;
    index /= plan.axes[axis].output;
    outside = outside || found[axis]->outside != 0;
  }
  return outside;
}

template <class Element>
double interpolate(const Plan& plan, const ResizeRule& rule, const typename Element::Stored* x,
                   std::size_t axis, const std::array<const ResizeSample*, kMaxRank>& samples) {
  if (axis == static_cast<std::size_t>(plan.rank)) return static_cast<double>(Element::load(*x));
  double sum = 0;
  for (std::int64_t i = 0; i < samples[axis]->count; ++i) {
    const double weight = rule.weight(plan.axes[axis], *samples[axis], i);
    if (weight == 0) continue;
    const std::int64_t index =
        std::clamp<std::int64_t>(samples[axis]->first + i, 0, plan.axes[axis].input - 1);
    sum += weight * interpolate<Element>(plan, rule, x + index * plan.strides[axis], axis + 1, samples);
  }
  return sum;
}

template <class Element>
void run(const KernelCall& call) {
  const ResizeRule rule(call);
  const Plan plan = plan_of(call, rule);
  const auto* x = data_of<const typename Element::Stored>(call.inputs[0]);
  auto* y = data_of<typename Element::Stored>(call.outputs[0]);
  const Share share = share_of(call, element_count(call.outputs[0]));
  std::array<const ResizeSample*, kMaxRank> samples{};
  for (std::int64_t i = share.begin; i < share.end; ++i) {
    const double value = find_samples(plan, i, samples) ? call.attributes[5].real
                                                        : interpolate<Element>(plan, rule, x, 0, samples);
    y[i] = Element::store(static_cast<typename Element::Number>(value));
  }
}

constexpr std::int64_t kNowhere = -1;

/// Where the nearest row lies in x; kNowhere: outside.
std::int64_t row_begin(const Plan& plan, std::int64_t row) {
  std::int64_t begin = 0;
  for (int i = plan.rank - 2; i >= 0; --i) {
    const auto axis = static_cast<std::size_t>(i);
    const ResizeSample& sample = plan.samples[axis][row % plan.axes[axis].output];
    row /= plan.axes[axis].output;
    if (sample.outside != 0) return kNowhere;
    begin += sample.first * plan.strides[axis];
  }
  return begin;
}

template <class Element>
void run_nearest(const KernelCall& call) {
  using Stored = typename Element::Stored;
  const ResizeRule rule(call);
  const Plan plan = plan_of(call, rule);
  const auto* x = data_of<const Stored>(call.inputs[0]);
  auto* y = data_of<Stored>(call.outputs[0]);
  const Stored beyond = Element::store(static_cast<typename Element::Number>(call.attributes[5].real));
  if (plan.rank == 0) {
    if (call.thread == 0) *y = *x;
    return;
  }
  const auto last = static_cast<std::size_t>(plan.rank - 1);
  const std::int64_t columns = plan.axes[last].output;
  const Share share = share_of(call, row_count(call.outputs[0]));
  std::int64_t copied = kNowhere;  // where the row before lies in x
  for (std::int64_t row = share.begin; row < share.end; ++row) {
    const std::int64_t begin = row_begin(plan, row);
    Stored* target = y + row * columns;
    if (begin == kNowhere)
      std::fill_n(target, columns, beyond);
    else if (begin == copied)
      std::copy_n(target - columns, columns, target);
    else
      for (std::int64_t i = 0; i < columns; ++i) {
        const ResizeSample& sample = plan.samples[last][i];
        target[i] = sample.outside != 0 ? beyond : x[begin + sample.first];
      }
    copied = begin;
  }
}

template <class Element, bool nearest>
bool accepts(const NodeTypes& types) {
  return types.inputs[0].dtype == Element::kDtype && (types.node->text("mode") == "nearest") == nearest;
}

template <class Element>
void add(std::vector<Kernel>& kernels, bool nearest_alone = false) {
  const std::string dtype(info(Element::kDtype).name);
  kernels.push_back({.name = "portable.resize_nearest." + dtype,
                     .op = "Resize",
                     .arithmetic = "f32",
                     .accepts = accepts<Element, true>,
                     .run = run_nearest<Element>,
                     .scratch_bytes = scratch_bytes});
  if (nearest_alone) return;
  kernels.push_back({.name = "portable.resize." + dtype,
                     .op = "Resize",
                     .arithmetic = "f32",
                     .accepts = accepts<Element, false>,
                     .run = run<Element>,
                     .scratch_bytes = scratch_bytes});
}

}  // namespace

std::span<const Kernel> resize_kernels() {
  static const std::vector<Kernel> kKernels = [] {
    constexpr bool kNearestAlone = true;
    std::vector<Kernel> kernels;
    add<F32Element>(kernels);
    add<F64Element>(kernels);
    add<F16Element>(kernels);
    add<Bf16Element>(kernels);
    add<WholeElement<std::int8_t, Dtype::i8>>(kernels);
    add<WholeElement<std::uint8_t, Dtype::u8>>(kernels);
    add<WholeElement<std::int32_t, Dtype::i32>>(kernels);
    add<WholeElement<std::uint8_t, Dtype::boolean>>(kernels, kNearestAlone);
    add<WholeElement<std::int16_t, Dtype::i16>>(kernels, kNearestAlone);
    add<WholeElement<std::uint16_t, Dtype::u16>>(kernels, kNearestAlone);
    add<WholeElement<std::uint32_t, Dtype::u32>>(kernels, kNearestAlone);
    return kernels;
  }();
  return kKernels;
}

}  // namespace lathe::portable
