// MaxPool of bytes over two axes, line by line: the rows of the windows are joined into one line, then the
// elements of each window. What lies outside is the least number, as in max_pool.cc, and so are the bits.
#include <algorithm>
#include <array>
#include <limits>

#include "cpu/portable/typed.h"
#include "graph/graph.h"
#include "graph/window.h"

namespace lathe::portable {
namespace {

constexpr int kRows = 0;
constexpr int kColumns = 1;

struct Pool {
  std::int64_t planes;
  std::array<WindowAxis, kMaxWindowAxes> axes;

  explicit Pool(const KernelCall& call) : planes(call.inputs[0].dims[0] * call.inputs[0].dims[1]), axes{} {
    const WindowNumbers kernel = window_numbers(call.attributes[3].text);
    resolve_windows(
        {call.attributes[0].text, call.attributes[2].text, call.attributes[4].text, call.attributes[5].text},
        2, call.inputs[0].dims + 2, kernel.values, call.attributes[1].integer != 0, axes.data());
  }

  /// Of the line: all that the windows of a row of outputs reach.
  std::int64_t width() const {
    const WindowAxis& axis = axes[kColumns];
    return axis.output < 1 ? 0 : (axis.output - 1) * axis.stride + window_extent(axis);
  }
};

template <class Code>
void join(Code* into, const Code* from, std::int64_t count, std::int64_t step) {
  for (std::int64_t i = 0; i < count; ++i) into[i] = std::max(into[i], from[i * step]);
}

template <class Code>
void run(const KernelCall& call) {
  const Pool pool(call);
  const WindowAxis& rows = pool.axes[kRows];
  const WindowAxis& columns = pool.axes[kColumns];
  const auto* x = data_of<const Code>(call.inputs[0]);
  auto* line = static_cast<Code*>(static_cast<void*>(call.scratch));
  const std::int64_t width = pool.width();
  const std::int64_t inside = std::min(columns.input, width - columns.pad_begin);
  const Share share = share_of(call, pool.planes * rows.output);
  for (std::int64_t i = share.begin; i < share.end; ++i) {
    const auto* plane = x + i / rows.output * rows.input * columns.input;
    const std::int64_t out = i % rows.output;
    std::fill_n(line, width, std::numeric_limits<Code>::lowest());
    for (std::int64_t k = first_kernel(rows, out); k < last_kernel(rows, out); ++k)
      join(line + columns.pad_begin, plane + (first_input(rows, out) + k * rows.dilation) * columns.input,
           inside, 1);
    auto* y = data_of<Code>(call.outputs[0]) + i * columns.output;
    std::fill_n(y, columns.output, std::numeric_limits<Code>::lowest());
    for (std::int64_t k = 0; k < columns.kernel; ++k)
      if (columns.stride == 1)
        join(y, line + k * columns.dilation, columns.output, 1);
      else
        join(y, line + k * columns.dilation, columns.output, columns.stride);
  }
}

std::size_t scratch_bytes(const KernelCall& call) { return static_cast<std::size_t>(Pool(call).width()); }

/// Windows whose padding is less than they are, so that lines are not much longer than the image's.
template <Dtype dtype>
bool accepts(const NodeTypes& types) {
  if (types.inputs[0].dtype != dtype || !types.inputs[0].ranked || types.inputs[0].dims.size() != 4)
    return false;
  const WindowNumbers pads = window_numbers(types.node->text("pads").c_str());
  const WindowNumbers kernel = window_numbers(types.node->text("kernel_shape").c_str());
  for (int i = 0; i < pads.count; ++i)
    if (pads.values[i] < 0 || pads.values[i] >= kernel.values[i % kernel.count]) return false;
  return types.node->integer("outputs") == 1;
}

Kernel kernel(const char* name, bool (*accepted)(const NodeTypes&), KernelFunction function) {
  return {.name = name,
          .op = "MaxPool",
          .arithmetic = "f32",
          .rank = 1,  // before max_pool.cc's
          .accepts = accepted,
          .run = function,
          .scratch_bytes = scratch_bytes};
}

}  // namespace

std::span<const Kernel> max_pool_lines_kernels() {
  static const Kernel kKernels[] = {
      kernel("portable.max_pool_lines.i8", accepts<Dtype::i8>, run<std::int8_t>),
      kernel("portable.max_pool_lines.u8", accepts<Dtype::u8>, run<std::uint8_t>),
  };
  return kKernels;
}

}  // namespace lathe::portable
