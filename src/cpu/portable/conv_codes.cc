// ConvCodes: convolution of 8-bit codes with symmetric weights (x [N, C, spatial...], weight [M, C / group,
// kernel...]); graph/code_product.h has the arithmetic. The padding is x's zero point.
#include "cpu/portable/code_epilogue.h"
#include "cpu/portable/window_walk.h"

namespace lathe::portable {
namespace {

constexpr int kLeast = 6;  // the attribute

template <class X>
void convolve(const KernelCall& call) {
  const TensorArg& x = call.inputs[code_product::kX];
  const TensorArg& weight = call.inputs[code_product::kWeight];
  const Windows windows(
      {call.attributes[0].text, call.attributes[1].text, call.attributes[4].text, call.attributes[5].text}, x,
      weight.dims + 2, false);
  const codes::Epilogue epilogue = codes::epilogue_of(call, kLeast);
  const std::int64_t rows = weight.dims[0];
  const std::int64_t channels = weight.dims[1];
  const std::int64_t groups = call.attributes[2].integer;
  const std::int64_t group_rows = rows / groups;
  const std::int64_t kernel = windows.kernel_size();
  const std::int32_t zero = codes::code_of(call.inputs[code_product::kXZero]);
  const Share share = share_of(call, element_count(call.outputs[0]));
  for (std::int64_t i = share.begin; i < share.end; ++i) {
    const std::int64_t row = i / windows.pixels() % rows;
    const std::int64_t image = i / windows.pixels() / rows;
    const std::int64_t first_channel = (image * groups + row / group_rows) * channels;
    std::uint32_t sum = 0;  // what would overflow wraps
    for (std::int64_t c = 0; c < channels; ++c) {
      const auto* plane = data_of<const X>(x) + (first_channel + c) * windows.input_pixels();
      const auto* factors = data_of<const std::int8_t>(weight) + (row * channels + c) * kernel;
      windows.for_each_inside(i % windows.pixels(), [&](std::int64_t at, std::int64_t k) {
        sum += static_cast<std::uint32_t>((plane[at] - zero) * factors[k]);
      });
    }
    finish_sum(epilogue, i, row, static_cast<std::int32_t>(sum));
  }
}

void run(const KernelCall& call) {
  if (call.inputs[code_product::kX].dtype == codes::kI8)
    convolve<std::int8_t>(call);
  else
    convolve<std::uint8_t>(call);
}

bool serial(const KernelCall& call) {
  constexpr std::int64_t kFewProducts = 100000;
  const TensorArg& weight = call.inputs[code_product::kWeight];
  const std::int64_t depth = weight.dims[0] == 0 ? 0 : element_count(weight) / weight.dims[0];
  return element_count(call.outputs[0]) * depth <= kFewProducts;
}

/// A channel for each group. The first that accepts a node is taken where nothing was measured.
bool is_depthwise(const NodeTypes& types) {
  const ValueType& weight = types.inputs[code_product::kWeight];
  return weight.ranked && weight.dims[1] == Dim(1);
}
bool is_any(const NodeTypes&) { return true; }  // the rule has checked

Kernel kernel(const char* name, bool (*accepts)(const NodeTypes&)) {
  return {.name = name,
          .op = "ConvCodes",
          .arithmetic = "int8",
          .accepts = accepts,
          .run = run,
          .serial = serial};
}

}  // namespace

std::span<const Kernel> conv_codes_kernels() {
  static const Kernel kKernels[] = {kernel("portable.conv_codes.depthwise", is_depthwise),
                                    kernel("portable.conv_codes.dense", is_any)};
  return kKernels;
}

}  // namespace lathe::portable
