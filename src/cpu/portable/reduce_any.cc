// ReduceSumAny and its like: ONNX's reductions of every type, with the axes in the attribute axes or in input
// 1; none: all axes, or no reduction where noop_with_empty_axes is set. Floats are summed in double, whole
// numbers wrap.
#include "cpu/portable/strided.h"
#include "cpu/portable/text_list.h"
#include "cpu/portable/typed.h"

namespace lathe::portable {
namespace {

/// The reduced axes of x as a tensor of their own, and the others.
struct Split {
  TensorArg reduced{};
  TensorArg kept{};
  std::array<Strides, 1> reduced_strides{};
  std::array<Strides, 1> kept_strides{};
};

std::array<bool, kMaxRank> reduced_axes(const KernelCall& call) {
  const int rank = call.inputs[0].rank;
  AxisList list = axis_list(call.attributes[0].text, rank);
  if (has_input(call, 1))
    for (std::int64_t i = 0; i < std::min<std::int64_t>(element_count(call.inputs[1]), kMaxRank); ++i) {
      const std::int64_t axis = integer_at(call.inputs[1], i);
      list.axes[static_cast<std::size_t>(list.count++)] = static_cast<int>(axis < 0 ? axis + rank : axis);
    }
  std::array<bool, kMaxRank> reduced{};
  const bool all = list.count == 0 && call.attributes[2].integer == 0;
  for (int axis = 0; axis < rank; ++axis) reduced[static_cast<std::size_t>(axis)] = all;
  for (int i = 0; i < list.count; ++i)
    reduced[static_cast<std::size_t>(list.axes[static_cast<std::size_t>(i)])] = true;
  return reduced;
}

Split split_axes(const KernelCall& call) {
  const auto& x = call.inputs[0];
  const Strides own = dense_strides(x);
  const auto reduced = reduced_axes(call);
  Split split;
  for (int axis = 0; axis < x.rank; ++axis) {
    const auto i = static_cast<std::size_t>(axis);
    auto& part = reduced[i] ? split.reduced : split.kept;
    auto& strides = reduced[i] ? split.reduced_strides[0] : split.kept_strides[0];
    strides[static_cast<std::size_t>(part.rank)] = own[i];
    part.dims[part.rank++] = x.dims[axis];
  }
  return split;
}

template <class T, class Body>
void for_each_reduced(const T* x, const Split& split, Body body) {
  for_each_run(split.reduced, split.reduced_strides, {0, element_count(split.reduced)},
               [&](std::int64_t, std::int64_t length, const auto& offsets, const auto& steps) {
                 for (std::int64_t k = 0; k < length; ++k) body(load(x[offsets[0] + k * steps[0]]));
               });
}

/// Wide enough for sums: whole numbers wrap as those of T do.
template <class T>
using Sum = std::conditional_t<std::is_integral_v<T>, std::uint64_t, double>;

template <class T, class Value>
Sum<T> sum_of(const T* x, const Split& split, Value value) {
  Sum<T> sum = 0;
  for_each_reduced(x, split, [&](Computed<T> element) { sum += value(static_cast<Sum<T>>(element)); });
  return sum;
}

template <class T>
T to_element(Sum<T> sum) {
  return static_cast<T>(sum);
}

constexpr auto kItself = [](auto x) { return x; };
constexpr auto kSquare = [](auto x) { return x * x; };

/// A sum of whole numbers as a real one, by the sign of T.
template <class T>
double real_sum(Sum<T> sum) {
  if constexpr (std::is_integral_v<T>) return static_cast<double>(static_cast<T>(sum));
  return static_cast<double>(sum);
}

struct ReduceSum {
  template <class T>
  static T reduce(const T* x, const Split& split) {
    return to_element<T>(sum_of(x, split, kItself));
  }
};

struct ReduceMean {
  template <class T>
  static T reduce(const T* x, const Split& split) {
    const std::int64_t count = element_count(split.reduced);
    const Sum<T> sum = sum_of(x, split, kItself);
    if constexpr (!std::is_integral_v<T>) return static_cast<T>(sum / static_cast<double>(count));
    if (count == 0) return {};
    if constexpr (std::is_signed_v<T>) return static_cast<T>(static_cast<std::int64_t>(sum) / count);
    return to_element<T>(sum / static_cast<Sum<T>>(count));
  }
};

template <bool greatest>
struct ReduceEnd {
  template <class T>
  static T reduce(const T* x, const Split& split) {
    using Limits = std::numeric_limits<Computed<T>>;
    Computed<T> end = greatest ? Limits::lowest() : Limits::max();
    if constexpr (Limits::has_infinity) end = greatest ? -Limits::infinity() : Limits::infinity();
    for_each_reduced(x, split, [&end](Computed<T> value) {
      bool is_nan = false;
      if constexpr (Limits::has_quiet_NaN) is_nan = std::isnan(value);
      if ((greatest ? value > end : value < end) || is_nan) end = value;
    });
    return static_cast<T>(end);
  }
};

struct ReduceProd {
  template <class T>
  static T reduce(const T* x, const Split& split) {
    Sum<T> product = 1;
    for_each_reduced(x, split, [&](Computed<T> value) { product *= static_cast<Sum<T>>(value); });
    return to_element<T>(product);
  }
};

struct ReduceL1 {
  template <class T>
  static T reduce(const T* x, const Split& split) {
    return to_element<T>(sum_of(x, split, [](Sum<T> value) {
      if constexpr (!std::is_integral_v<T>)
        return std::fabs(value);
      else
        return std::is_signed_v<T> && static_cast<std::int64_t>(value) < 0 ? Sum<T>{0} - value : value;
    }));
  }
};

struct ReduceSumSquare {
  template <class T>
  static T reduce(const T* x, const Split& split) {
    return to_element<T>(sum_of(x, split, kSquare));
  }
};

struct ReduceL2 {
  template <class T>
  static T reduce(const T* x, const Split& split) {
    return from_real<T>(std::sqrt(real_sum<T>(sum_of(x, split, kSquare))));
  }
};

struct ReduceLogSum {
  template <class T>
  static T reduce(const T* x, const Split& split) {
    return from_real<T>(std::log(real_sum<T>(sum_of(x, split, kItself))));
  }
};

struct ReduceLogSumExp {
  template <class T>
  static T reduce(const T* x, const Split& split) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    double greatest = -kInfinity;
    for_each_reduced(x, split, [&greatest](Computed<T> value) {
      if (!(static_cast<double>(value) <= greatest)) greatest = static_cast<double>(value);
    });
    const double shift = std::isfinite(greatest) ? greatest : 0.0;
    double sum = 0;
    for_each_reduced(x, split,
                     [&](Computed<T> value) { sum += std::exp(static_cast<double>(value) - shift); });
    return from_real<T>(shift + std::log(sum));
  }
};

template <class Reduction>
struct Reduce {
  template <class T>
  static void run(const KernelCall& call) {
    const auto* x = data_of<const T>(call.inputs[0]);
    auto* y = data_of<T>(call.outputs[0]);
    const Split split = split_axes(call);
    for_each_run(split.kept, split.kept_strides, share_of(call, element_count(split.kept)),
                 [&](std::int64_t i, std::int64_t length, const auto& offsets, const auto& steps) {
                   for (std::int64_t k = 0; k < length; ++k)
                     y[i + k] = Reduction::template reduce<T>(x + offsets[0] + k * steps[0], split);
                 });
  }
};

using EndTypes = Types<float, double, Half, Bfloat, std::int32_t, std::int64_t, std::uint32_t, std::uint64_t,
                       std::int8_t, std::uint8_t, Boolean>;

bool serial(const KernelCall& call) { return is_small(call.inputs[0], 8192); }

template <class Reduction, class List = WideTypes>
Kernel kernel(const char* name, std::string_view op) {
  using Function = Typed<Reduce<Reduction>, List>;
  return {.name = name,
          .op = op,
          .arithmetic = "any",
          .accepts = Function::accepts,
          .run = Function::run,
          .serial = serial};
}

}  // namespace

std::span<const Kernel> reduce_any_kernels() {
  static const Kernel kKernels[] = {
      kernel<ReduceL1>("portable.reduce_l1_any", "ReduceL1Any"),
      kernel<ReduceL2>("portable.reduce_l2_any", "ReduceL2Any"),
      kernel<ReduceLogSum>("portable.reduce_log_sum_any", "ReduceLogSumAny"),
      kernel<ReduceLogSumExp>("portable.reduce_log_sum_exp_any", "ReduceLogSumExpAny"),
      kernel<ReduceEnd<true>, EndTypes>("portable.reduce_max_any", "ReduceMaxAny"),
      kernel<ReduceMean>("portable.reduce_mean_any", "ReduceMeanAny"),
      kernel<ReduceEnd<false>, EndTypes>("portable.reduce_min_any", "ReduceMinAny"),
      kernel<ReduceProd>("portable.reduce_prod", "ReduceProd"),
      kernel<ReduceSum>("portable.reduce_sum_any", "ReduceSumAny"),
      kernel<ReduceSumSquare>("portable.reduce_sum_square_any", "ReduceSumSquareAny"),
  };
  return kKernels;
}

}  // namespace lathe::portable
