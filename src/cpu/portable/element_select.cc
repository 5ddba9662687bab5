// Elements of any type, moved whole: WhereAny (condition bool, a, b) with broadcasting; Dropout (x, ratio,
// training mode) -> x and a mask of ones, for the inference that its shape rule lets through.
#include "cpu/portable/element_rows.h"

namespace lathe::portable {
namespace {

using Sized = Elements<std::uint8_t, std::uint16_t, std::uint32_t, std::uint64_t>;

Dtype bits_of(const TensorArg& tensor) {
  switch (element_bytes(tensor)) {
    case 1:
      return Dtype::u8;
    case 2:
      return Dtype::u16;
    case 4:
      return Dtype::u32;
    default:
      return Dtype::u64;
  }
}

void run_where(const KernelCall& call) {
  const auto& output = call.outputs[0];
  const std::array strides = {broadcast_strides(call.inputs[0], output),
                              broadcast_strides(call.inputs[1], output),
                              broadcast_strides(call.inputs[2], output)};
  visit(Sized(), bits_of(output), [&]<class Element>() {
    const auto* condition = data_of<const std::uint8_t>(call.inputs[0]);
    const auto* a = data_of<const Element>(call.inputs[1]);
    const auto* b = data_of<const Element>(call.inputs[2]);
    auto* y = data_of<Element>(output);
    for_each_run(output, strides, share_of(call, element_count(output)),
                 [=](std::int64_t i, std::int64_t length, const auto& offsets, const auto& steps) {
                   for (std::int64_t k = 0; k < length; ++k)
                     y[i + k] = condition[offsets[0] + k * steps[0]] != 0 ? a[offsets[1] + k * steps[1]]
                                                                          : b[offsets[2] + k * steps[2]];
                 });
  });
}

bool accepts_where(const NodeTypes& types) {
  return types.inputs[0].dtype == Dtype::boolean && is_element(types.inputs[1].dtype);
}

void run_dropout(const KernelCall& call) {
  const std::int64_t bytes = element_bytes(call.inputs[0]);
  const Share share = share_of(call, element_count(call.inputs[0]));
  const auto* x = data_of<const std::byte>(call.inputs[0]);
  auto* y = data_of<std::byte>(call.outputs[0]);
  std::copy(x + share.begin * bytes, x + share.end * bytes, y + share.begin * bytes);
  auto* mask = data_of<std::uint8_t>(call.outputs[1]);
  std::fill(mask + share.begin, mask + share.end, std::uint8_t{1});
}

bool accepts_dropout(const NodeTypes& types) { return is_element(types.inputs[0].dtype); }

}  // namespace

std::span<const Kernel> element_select_kernels() {
  static const Kernel kKernels[] = {
      element_kernel("where_any", "WhereAny", run_where, accepts_where),
      element_kernel("dropout", "Dropout", run_dropout, accepts_dropout),
  };
  return kKernels;
}

}  // namespace lathe::portable
