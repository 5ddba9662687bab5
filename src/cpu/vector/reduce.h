// ReduceSum, ReduceMean, ReduceMax, ReduceMin, ReduceL1, ReduceL2 and ReduceSumSquare. Where the innermost
// axis is reduced, an output's elements fill vectors; where it is kept, 16 outputs lie side by side.
#pragma once

#include "cpu/vector/call.h"
#include "graph/window.h"

namespace lathe::vector {

/// Some of x's axes, innermost first, with elements from one index to the next.
struct AxisWalk {
  std::int64_t dim[kMaxRank];
  std::int64_t stride[kMaxRank];
  int rank;

  constexpr void add(std::int64_t axis_dim, std::int64_t axis_stride) {
    if (rank > 0 && axis_stride == dim[rank - 1] * stride[rank - 1]) {
      dim[rank - 1] *= axis_dim;
      return;
    }
    dim[rank] = axis_dim;
    stride[rank++] = axis_stride;
  }

  constexpr std::int64_t count() const {
    std::int64_t result = 1;
    for (int i = 0; i < rank; ++i) result *= dim[i];
    return result;
  }

  constexpr std::int64_t offset(std::int64_t index) const {
    std::int64_t result = 0;
    for (int i = 0; i < rank; ++i) {
      result += index % dim[i] * stride[i];
      index /= dim[i];
    }
    return result;
  }
};

/// The axes that are reduced, and those that stay.
struct ReduceAxes {
  AxisWalk reduced;
  AxisWalk kept;
};

static constexpr bool is_named(const WindowNumbers& axes, int axis, int rank) {
  for (int i = 0; i < axes.count; ++i)
    if (axes.values[i] == axis || axes.values[i] + rank == axis) return true;
  return axes.count == 0;
}

static inline ReduceAxes reduce_axes(const KernelCall& call) {
  const TensorArg& x = call.inputs[0];
  const WindowNumbers named = window_numbers(call.attributes[0].text);
  ReduceAxes axes{};
  std::int64_t stride = 1;
  for (int axis = x.rank - 1; axis >= 0; --axis) {
    if (x.dims[axis] != 1)
      (is_named(named, axis, x.rank) ? axes.reduced : axes.kept).add(x.dims[axis], stride);
    stride *= x.dims[axis];
  }
  return axes;
}

/// A reduction: lanes begin with `first`, join(lane, value(element)) goes on, finish(total, elements) ends.
template <class V, class Value, class Join, class Finish>
struct Reduction {
  float first;
  Value value;
  Join join;
  Finish finish;

  /// The lanes in a tree, the result in lane 0.
  V total(V lanes) const {
    lanes = join(lanes, swap_lanes<8>(lanes));
    lanes = join(lanes, swap_lanes<4>(lanes));
    lanes = join(lanes, swap_lanes<2>(lanes));
    return join(lanes, swap_lanes<1>(lanes));
  }

  [[gnu::always_inline]] V add(V lanes, const float* x, std::int64_t count) const {
    if (count >= kLanes) return join(lanes, value(load(V{}, x)));
    return select(0, count, join(lanes, value(load_first(V{}, x, count))), lanes);
  }

  /// `count` elements that lie side by side.
  V row(const float* x, std::int64_t count) const {
    V lanes = broadcast(V{}, first);
    for (std::int64_t i = 0; i < count; i += kLanes) lanes = add(lanes, x + i, count - i);
    return total(lanes);
  }

  /// Elements that lie anywhere, 16 of them at a time side by side in a copy.
  V scattered(const float* x, const AxisWalk& walk) const {
    V lanes = broadcast(V{}, first);
    float copy[kLanes];
    const std::int64_t run = walk.dim[0];  // along the innermost reduced axis
    const std::int64_t count = walk.count();
    std::int64_t filled = 0;
    for (std::int64_t i = 0; i < count; i += run) {
      const float* source = x + walk.offset(i);
      for (std::int64_t k = 0; k < run; ++k) {
        copy[filled++] = source[k * walk.stride[0]];
        if (filled < kLanes) continue;
        lanes = add(lanes, copy, kLanes);
        filled = 0;
      }
    }
    return total(add(lanes, copy, filled));
  }

  /// Up to 16 outputs whose elements lie side by side.
  V columns(const float* x, const AxisWalk& walk, std::int64_t outputs) const {
    V lanes[kLanes];
    for (V& lane : lanes) lane = broadcast(V{}, first);
    const std::int64_t run = walk.dim[0];
    const std::int64_t count = walk.count();
    for (std::int64_t i = 0; i < count; i += run) {
      const float* source = x + walk.offset(i);
      for (std::int64_t k = 0; k < run; ++k, source += walk.stride[0]) {
        V& lane = lanes[(i + k) % kLanes];
        lane = join(lane, value(outputs < kLanes ? load_first(V{}, source, outputs) : load(V{}, source)));
      }
    }
    for (int half = kLanes / 2; half > 0; half /= 2)
      for (int i = 0; i < half; ++i) lanes[i] = join(lanes[i], lanes[i + half]);
    return lanes[0];
  }

  void run(const KernelCall& call) const {
    ReduceAxes axes = reduce_axes(call);
    if (axes.reduced.rank == 0) axes.reduced.add(1, 1);
    const auto* x = static_cast<const float*>(call.inputs[0].data);
    auto* y = static_cast<float*>(call.outputs[0].data);
    const V elements = broadcast(V{}, static_cast<float>(axes.reduced.count()));
    if (axes.kept.rank > 0 && axes.kept.stride[0] == 1 && axes.kept.dim[0] > 1) {
      const std::int64_t width = axes.kept.dim[0];
      const std::int64_t blocks = (width + kLanes - 1) / kLanes;
      const Range share = share_of(call, axes.kept.count() / width * blocks);
      for (std::int64_t i = share.begin; i < share.end; ++i) {
        const std::int64_t column = i % blocks * kLanes;
        const std::int64_t output = i / blocks * width + column;
        const std::int64_t outputs = width - column < kLanes ? width - column : kLanes;
        const V result = columns(x + axes.kept.offset(output), axes.reduced, outputs);
        store_first(y + output, finish(result, elements), outputs);
      }
      return;
    }
    const Range share = share_of(call, axes.kept.count());
    const bool side_by_side = axes.reduced.rank == 1 && axes.reduced.stride[0] == 1;
    for (std::int64_t i = share.begin; i < share.end; ++i) {
      const float* source = x + axes.kept.offset(i);
      const V result = side_by_side ? row(source, axes.reduced.dim[0]) : scattered(source, axes.reduced);
      store_first(y + i, finish(result, elements), 1);
    }
  }
};

template <class V, class Value, class Join, class Finish>
void run_reduction(const KernelCall& call, float first, Value value, Join join, Finish finish) {
  Reduction<V, Value, Join, Finish>{first, value, join, finish}.run(call);
}

template <class V, class Value, class Finish>
void run_sum(const KernelCall& call, Value value, Finish finish) {
  run_reduction<V>(
      call, 0.0f, value, [](V a, V b) { return a + b; }, finish);
}

template <class V>
void run_reduce_sum(const KernelCall& call) {
  run_sum<V>(
      call, [](V x) { return x; }, [](V sum, V) { return sum; });
}

template <class V>
void run_reduce_mean(const KernelCall& call) {
  run_sum<V>(
      call, [](V x) { return x; }, [](V sum, V count) { return sum / count; });
}

template <class V>
void run_reduce_l1(const KernelCall& call) {
  run_sum<V>(
      call, [](V x) { return with_sign(x, broadcast(V{}, 1.0f)); }, [](V sum, V) { return sum; });
}

template <class V>
void run_reduce_sum_square(const KernelCall& call) {
  run_sum<V>(
      call, [](V x) { return x * x; }, [](V sum, V) { return sum; });
}

template <class V>
void run_reduce_l2(const KernelCall& call) {
  run_sum<V>(
      call, [](V x) { return x * x; }, [](V sum, V) { return square_root(sum); });
}

template <class V>
void run_reduce_max(const KernelCall& call) {
  run_reduction<V>(
      call, -__builtin_inff(), [](V x) { return x; }, [](V a, V b) { return where_nan(b, b, greater(b, a)); },
      [](V greatest, V) { return greatest; });
}

template <class V>
void run_reduce_min(const KernelCall& call) {
  run_reduction<V>(
      call, __builtin_inff(), [](V x) { return x; }, [](V a, V b) { return where_nan(b, b, lesser(b, a)); },
      [](V least, V) { return least; });
}

}  // namespace lathe::vector
