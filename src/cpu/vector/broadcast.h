// Add, Sub, Mul, Div and PRelu with ONNX's broadcasting, in float32.
#pragma once

#include "cpu/vector/pointwise.h"

namespace lathe::vector {

/// An axis of the output, with elements from one index to the next in a and b; 0 where an input has one.
struct BroadcastAxis {
  std::int64_t dim;
  std::int64_t a;
  std::int64_t b;
};

/// The output's axes from the innermost on. Those that lie one behind the other in both inputs are one.
struct BroadcastAxes {
  BroadcastAxis axes[kMaxRank];
  int rank;
};

/// Dimension `i` from the innermost on; 1 beyond the tensor's rank.
static constexpr std::int64_t inner_dim(const TensorArg& tensor, int i) {
  return i < tensor.rank ? tensor.dims[tensor.rank - 1 - i] : 1;
}

static constexpr BroadcastAxes broadcast_axes(const KernelCall& call) {
  BroadcastAxes result{{{1, 1, 1}}, 0};
  std::int64_t a_step = 1;
  std::int64_t b_step = 1;
  for (int i = 0; i < call.outputs[0].rank; ++i) {
    const std::int64_t dim = inner_dim(call.outputs[0], i);
    if (dim == 1) continue;
    const std::int64_t a_dim = inner_dim(call.inputs[0], i);
    const std::int64_t b_dim = inner_dim(call.inputs[1], i);
    const BroadcastAxis axis{dim, a_dim == 1 ? 0 : a_step, b_dim == 1 ? 0 : b_step};
    a_step *= a_dim;
    b_step *= b_dim;
    BroadcastAxis* inner = result.rank > 0 ? &result.axes[result.rank - 1] : nullptr;
    if (inner != nullptr && axis.a == inner->a * inner->dim && axis.b == inner->b * inner->dim)
      inner->dim *= dim;
    else
      result.axes[result.rank++] = axis;
  }
  return result;
}

/// Where a row along the innermost axis lies in a and b.
class BroadcastRow {
 public:
  BroadcastRow(const BroadcastAxes& axes, std::int64_t row) : axes_(axes) {
    for (int i = 1; i < axes.rank; ++i) {
      index_[i] = row % axes.axes[i].dim;
      row /= axes.axes[i].dim;
      a_ += index_[i] * axes.axes[i].a;
      b_ += index_[i] * axes.axes[i].b;
    }
  }

  std::int64_t a() const { return a_; }
  std::int64_t b() const { return b_; }

  void advance() {
    for (int i = 1; i < axes_.rank; ++i) {
      const BroadcastAxis& axis = axes_.axes[i];
      a_ += axis.a;
      b_ += axis.b;
      if (++index_[i] < axis.dim) return;
      index_[i] = 0;
      a_ -= axis.dim * axis.a;
      b_ -= axis.dim * axis.b;
    }
  }

 private:
  const BroadcastAxes& axes_;
  std::int64_t index_[kMaxRank] = {};
  std::int64_t a_ = 0;
  std::int64_t b_ = 0;
};

template <class V, class Operation>
void run_broadcast(const KernelCall& call, Operation operation) {
  const BroadcastAxes axes = broadcast_axes(call);
  const BroadcastAxis inner = axes.axes[0];
  const Range share = share_of(call, element_count(call.outputs[0]));
  if (share.begin == share.end) return;
  const auto* a = static_cast<const float*>(call.inputs[0].data);
  const auto* b = static_cast<const float*>(call.inputs[1].data);
  auto* y = static_cast<float*>(call.outputs[0].data);
  BroadcastRow row(axes, share.begin / inner.dim);
  std::int64_t column = share.begin % inner.dim;
  for (std::int64_t i = share.begin; i < share.end; column = 0, row.advance()) {
    const std::int64_t length = inner.dim - column < share.end - i ? inner.dim - column : share.end - i;
    const float* left = a + row.a() + column * inner.a;
    const float* right = b + row.b() + column * inner.b;
    if (inner.a == 0) {
      const V first = broadcast(V{}, *left);
      apply<V>(right, y + i, length, [first, operation](V x) { return operation(first, x); });
    } else if (inner.b == 0) {
      const V second = broadcast(V{}, *right);
      apply<V>(left, y + i, length, [second, operation](V x) { return operation(x, second); });
    } else {
      apply<V>(left, right, y + i, length, operation);
    }
    i += length;
  }
}

template <class V>
void run_add_broadcast(const KernelCall& call) {
  run_broadcast<V>(call, [](V a, V b) { return a + b; });
}

template <class V>
void run_mul_broadcast(const KernelCall& call) {
  run_broadcast<V>(call, [](V a, V b) { return a * b; });
}

template <class V>
void run_sub(const KernelCall& call) {
  run_broadcast<V>(call, [](V a, V b) { return a - b; });
}

template <class V>
void run_div(const KernelCall& call) {
  run_broadcast<V>(call, [](V a, V b) { return a / b; });
}

template <class V>
void run_prelu(const KernelCall& call) {
  run_broadcast<V>(call, [](V x, V slope) { return where_less(x, V{}, x * slope, x); });
}

}  // namespace lathe::vector
