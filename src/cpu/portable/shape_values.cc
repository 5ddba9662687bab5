// What comes from dimensions and numbers alone: Shape(x; start, end) and Size(x), ConstantOfShape(shape,
// value), Range(start, limit, delta).
#include <algorithm>

#include "cpu/portable/element_visit.h"
#include "graph/slice_range.h"

namespace lathe::portable {
namespace {

void run_shape(const KernelCall& call) {
  const auto& x = call.inputs[0];
  const auto range = slice_range(x.rank, call.attributes[0].integer, call.attributes[1].integer, 1);
  std::copy_n(x.dims + range.start, range.count, data_of<std::int64_t>(call.outputs[0]));
}

void run_size(const KernelCall& call) {
  *data_of<std::int64_t>(call.outputs[0]) = element_count(call.inputs[0]);
}

void run_constant(const KernelCall& call) {
  const Share share = share_of(call, element_count(call.outputs[0]));
  visit_bytes(call.outputs[0], [&](auto element) {
    using Element = decltype(element);
    std::fill(data_of<Element>(call.outputs[0]) + share.begin, data_of<Element>(call.outputs[0]) + share.end,
              *data_of<const Element>(call.inputs[1]));
  });
}

void run_range(const KernelCall& call) {
  const std::int64_t count = element_count(call.outputs[0]);
  visit_number(call.outputs[0], [&]<class Format>(Format) {
    using Value = typename Format::Value;
    const auto* start = data_of<const typename Format::Stored>(call.inputs[0]);
    const auto* delta = data_of<const typename Format::Stored>(call.inputs[2]);
    auto* y = data_of<typename Format::Stored>(call.outputs[0]);
    const Value first = Format::load(*start);
    const Value step = Format::load(*delta);
    for (std::int64_t i = 0; i < count; ++i) {
      if constexpr (std::is_integral_v<Value>)
        y[i] = static_cast<Value>(static_cast<std::uint64_t>(first) +
                                  static_cast<std::uint64_t>(i) * static_cast<std::uint64_t>(step));
      else
        y[i] = Format::store(first + static_cast<Value>(i) * step);
    }
  });
}

bool accepts_any(const NodeTypes&) { return true; }
bool accepts_constant(const NodeTypes& types) { return is_element(types.outputs[0].dtype); }
bool always_serial(const KernelCall&) { return true; }

Kernel kernel(const char* name, std::string_view op, bool (*accepts)(const NodeTypes&), KernelFunction run,
              bool (*serial)(const KernelCall&) = always_serial) {
  return {.name = name, .op = op, .arithmetic = "exact", .accepts = accepts, .run = run, .serial = serial};
}

}  // namespace

std::span<const Kernel> shape_values_kernels() {
  static const Kernel kKernels[] = {
      kernel("portable.shape", "Shape", accepts_any, run_shape),
      kernel("portable.size", "Size", accepts_any, run_size),
      kernel("portable.constant_of_shape", "ConstantOfShape", accepts_constant, run_constant, few_elements),
      kernel("portable.range", "Range", accepts_numbers, run_range),
  };
  return kKernels;
}

}  // namespace lathe::portable
