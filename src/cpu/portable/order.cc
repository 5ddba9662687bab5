// What depends on which element is greater: ArgMaxAny and ArgMin (axis, keepdims, select_last_index),
// TopKAny(x, k; axis, largest, sorted), Hardmax(x; axis). NaN counts as the greatest of a TopK, and is what
// the others find; of equal elements the first comes first.
#include "cpu/portable/element_visit.h"
#include "cpu/portable/sort_first.h"

namespace lathe::portable {
namespace {

/// Elements along an axis: `lanes` of them, `count` long.
struct Lanes {
  std::int64_t lanes, count, inner;

  Lanes(const TensorArg& x, int axis)
      : lanes(product(x, 0, axis) * product(x, axis + 1, x.rank)),
        count(x.dims[axis]),
        inner(product(x, axis + 1, x.rank)) {}
  /// Where lane `lane` begins in a tensor that is `length` long along the axis; its elements are `inner`
  /// apart.
  std::int64_t begin(std::int64_t lane, std::int64_t length) const {
    return lane / inner * length * inner + lane % inner;
  }
};

template <class Format, class Better>
std::int64_t extreme(const typename Format::Stored* x, const Lanes& lanes, bool last, Better better) {
  std::int64_t best = 0;
  auto found = Format::load(x[0]);
  for (std::int64_t i = 1; i < lanes.count && (last || !is_nan(found)); ++i) {
    const auto value = Format::load(x[i * lanes.inner]);
    if (!better(value, found) && !(last && !better(found, value))) continue;
    best = i;
    found = value;
  }
  return best;
}

template <bool greatest>
void run_extreme(const KernelCall& call) {
  const auto& x = call.inputs[0];
  const Lanes lanes(x, axis_of(call.attributes[0].integer, x.rank));
  const bool last = call.attributes[2].integer != 0;
  const Share share = share_of(call, lanes.lanes);
  visit_number(x, [&]<class Format>(Format) {
    using Value = typename Format::Value;
    const auto better = [](Value a, Value b) {
      if (is_nan(a) || is_nan(b)) return is_nan(a) && !is_nan(b);
      return greatest ? b < a : a < b;
    };
    const auto* data = data_of<const typename Format::Stored>(x);
    for (std::int64_t lane = share.begin; lane < share.end; ++lane)
      data_of<std::int64_t>(call.outputs[0])[lane] =
          extreme<Format>(data + lanes.begin(lane, lanes.count), lanes, last, better);
  });
}

void run_hardmax(const KernelCall& call) {
  const auto& x = call.inputs[0];
  const Lanes lanes(x, axis_of(call.attributes[0].integer, x.rank));
  const Share share = share_of(call, lanes.count == 0 ? 0 : lanes.lanes);
  visit_number(x, [&]<class Format>(Format) {
    using Value = typename Format::Value;
    using Stored = typename Format::Stored;
    const auto better = [](Value a, Value b) { return is_less(b, a); };
    for (std::int64_t lane = share.begin; lane < share.end; ++lane) {
      const std::int64_t begin = lanes.begin(lane, lanes.count);
      const auto best = extreme<Format>(data_of<const Stored>(x) + begin, lanes, false, better);
      auto* y = data_of<Stored>(call.outputs[0]) + begin;
      for (std::int64_t i = 0; i < lanes.count; ++i)
        y[i * lanes.inner] = Format::store(static_cast<Value>(i == best ? 1 : 0));
    }
  });
}

void run_top_k(const KernelCall& call) {
  const auto& x = call.inputs[0];
  const int axis = axis_of(call.attributes[0].integer, x.rank);
  const bool largest = call.attributes[1].integer != 0;
  const Lanes lanes(x, axis);
  const std::int64_t k = call.outputs[0].dims[axis];
  auto* order = static_cast<std::int64_t*>(call.scratch);
  const Share share = share_of(call, lanes.lanes);
  visit_number(x, [&]<class Format>(Format) {
    using Stored = typename Format::Stored;
    for (std::int64_t lane = share.begin; lane < share.end; ++lane) {
      const auto* data = data_of<const Stored>(x) + lanes.begin(lane, lanes.count);
      sort_first(order, k, lanes.count, largest,
                 [&](std::int64_t i) { return Format::load(data[i * lanes.inner]); });
      const std::int64_t begin = lanes.begin(lane, k);
      for (std::int64_t i = 0; i < k; ++i) {
        data_of<Stored>(call.outputs[0])[begin + i * lanes.inner] = data[order[i] * lanes.inner];
        data_of<std::int64_t>(call.outputs[1])[begin + i * lanes.inner] = order[i];
      }
    }
  });
}

std::size_t top_k_scratch(const KernelCall& call) {
  const auto& x = call.inputs[0];
  const int axis = axis_of(call.attributes[0].integer, x.rank);
  return static_cast<std::size_t>(x.dims[axis]) * sizeof(std::int64_t);
}

bool serial(const KernelCall& call) { return element_count(call.inputs[0]) <= 2048; }

Kernel kernel(const char* name, std::string_view op, KernelFunction run,
              std::size_t (*scratch)(const KernelCall&) = nullptr) {
  return {.name = name,
          .op = op,
          .arithmetic = "exact",
          .accepts = accepts_numbers,
          .run = run,
          .scratch_bytes = scratch,
          .serial = serial};
}

}  // namespace

std::span<const Kernel> order_kernels() {
  static const Kernel kKernels[] = {
      kernel("portable.arg_max_any", "ArgMaxAny", run_extreme<true>),
      kernel("portable.arg_min", "ArgMin", run_extreme<false>),
      kernel("portable.hardmax", "Hardmax", run_hardmax),
      kernel("portable.top_k_any", "TopKAny", run_top_k, top_k_scratch),
  };
  return kKernels;
}

}  // namespace lathe::portable
