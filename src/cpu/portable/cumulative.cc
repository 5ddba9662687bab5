// CumSum and CumProd(x, axis; exclusive, reverse): element after element, in x's type, the 16-bit floats in
// f32.
#include "cpu/portable/element_visit.h"

namespace lathe::portable {
namespace {

template <bool sums>
void run(const KernelCall& call) {
  const auto& x = call.inputs[0];
  const int axis = axis_of(integer_at(call.inputs[1], 0), x.rank);
  const bool exclusive = call.attributes[0].integer != 0;
  const bool reverse = call.attributes[1].integer != 0;
  const std::int64_t inner = product(x, axis + 1, x.rank);
  const std::int64_t count = x.dims[axis];
  const Share share = share_of(call, product(x, 0, axis) * inner);
  visit_number(x, [&]<class Format>(Format) {
    using Value = typename Format::Value;
    for (std::int64_t lane = share.begin; lane < share.end; ++lane) {
      const std::int64_t begin = lane / inner * count * inner + lane % inner;
      const auto* from = data_of<const typename Format::Stored>(x) + begin;
      auto* to = data_of<typename Format::Stored>(call.outputs[0]) + begin;
      auto total = static_cast<Value>(sums ? 0 : 1);
      for (std::int64_t i = 0; i < count; ++i) {
        const std::int64_t place = (reverse ? count - 1 - i : i) * inner;
        const Value value = Format::load(from[place]);
        const Value before = total;
        total = sums ? wrapping_sum(total, value) : wrapping_product(total, value);
        to[place] = Format::store(exclusive ? before : total);
      }
    }
  });
}

/// Elements below a byte would wrap around elsewhere.
bool accepts(const NodeTypes& types) { return accepts_numbers(types) && types.inputs[0].dtype < Dtype::i4; }

Kernel kernel(const char* name, std::string_view op, KernelFunction function) {
  return {.name = name,
          .op = op,
          .arithmetic = "in_order",
          .accepts = accepts,
          .run = function,
          .serial = few_elements};
}

}  // namespace

std::span<const Kernel> cumulative_kernels() {
  static const Kernel kKernels[] = {
      kernel("portable.cum_prod", "CumProd", run<false>),
      kernel("portable.cum_sum", "CumSum", run<true>),
  };
  return kKernels;
}

}  // namespace lathe::portable
