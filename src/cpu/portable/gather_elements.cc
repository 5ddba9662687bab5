// GatherElements(data, indices; axis) and GatherND(data, indices; batch_dims) of data of any type. An index
// out of range is a fault, and gives zeros.
#include <cstring>

#include "cpu/portable/element_visit.h"
#include "cpu/portable/strided.h"

namespace lathe::portable {
namespace {

void run_elements(const KernelCall& call) {
  const auto& data = call.inputs[0];
  const auto& indices = call.inputs[1];
  const int axis = axis_of(call.attributes[0].integer, data.rank);
  const Strides own = dense_strides(data);
  const std::int64_t step = own[static_cast<std::size_t>(axis)];
  std::array<Strides, 1> strides = {own};
  strides[0][static_cast<std::size_t>(axis)] = 0;
  visit_bytes(data, [&](auto zero) {
    using Element = decltype(zero);
    const auto* x = data_of<const Element>(data);
    auto* y = data_of<Element>(call.outputs[0]);
    for_each_run(indices, strides, share_of(call, element_count(indices)),
                 [&](std::int64_t i, std::int64_t length, const auto& offsets, const auto& steps) {
                   for (std::int64_t k = 0; k < length; ++k) {
                     const auto [index, ok] =
                         checked_index(call, integer_at(indices, i + k), data.dims[axis]);
                     y[i + k] = ok ? x[offsets[0] + k * steps[0] + index * step] : zero;
                   }
                 });
  });
}

void run_nd(const KernelCall& call) {
  const auto& data = call.inputs[0];
  const auto& indices = call.inputs[1];
  const int batch_dims = static_cast<int>(call.attributes[0].integer);
  const int named = static_cast<int>(column_count(indices));
  const std::int64_t run_bytes = product(data, batch_dims + named, data.rank) * element_bytes(data);
  const std::int64_t rows = product(indices, batch_dims, indices.rank - 1);  // of a batch
  const auto* source = data_of<const std::byte>(data);
  auto* target = data_of<std::byte>(call.outputs[0]);
  const Share share = share_of(call, row_count(indices));
  for (std::int64_t i = share.begin; i < share.end; ++i) {
    std::int64_t place = i / rows;
    bool all_ok = true;
    for (int axis = 0; axis < named; ++axis) {
      const std::int64_t dim = data.dims[batch_dims + axis];
      const auto [index, ok] = checked_index(call, integer_at(indices, i * named + axis), dim);
      place = place * dim + index;
      all_ok = all_ok && ok;
    }
    if (all_ok)
      std::memcpy(target + i * run_bytes, source + place * run_bytes, static_cast<std::size_t>(run_bytes));
    else
      std::memset(target + i * run_bytes, 0, static_cast<std::size_t>(run_bytes));
  }
}

}  // namespace

std::span<const Kernel> gather_elements_kernels() {
  static const Kernel kKernels[] = {{.name = "portable.gather_elements",
                                     .op = "GatherElements",
                                     .arithmetic = "exact",
                                     .accepts = accepts_elements,
                                     .run = run_elements,
                                     .serial = few_elements},
                                    {.name = "portable.gather_nd",
                                     .op = "GatherND",
                                     .arithmetic = "exact",
                                     .accepts = accepts_elements,
                                     .run = run_nd,
                                     .serial = few_elements}};
  return kKernels;
}

}  // namespace lathe::portable
