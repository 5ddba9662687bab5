// LinearCodes: rows of 8-bit codes times symmetric weights (x [..., K], weight [N, K], y [..., N]);
// graph/code_product.h has the arithmetic.
#include "cpu/portable/code_epilogue.h"

namespace lathe::portable {
namespace {

constexpr int kLeast = 0;  // the attribute

template <class X>
void multiply(const KernelCall& call) {
  const TensorArg& x = call.inputs[code_product::kX];
  const TensorArg& weight = call.inputs[code_product::kWeight];
  const codes::Epilogue epilogue = codes::epilogue_of(call, kLeast);
  const std::int64_t rows = weight.dims[0];
  const std::int64_t columns = weight.dims[1];
  const std::int32_t zero = codes::code_of(call.inputs[code_product::kXZero]);
  const Share share = share_of(call, element_count(call.outputs[0]));
  for (std::int64_t i = share.begin; i < share.end; ++i) {
    const std::int64_t row = i % rows;
    const auto* left = data_of<const X>(x) + i / rows * columns;
    const auto* right = data_of<const std::int8_t>(weight) + row * columns;
    std::uint32_t sum = 0;  // what would overflow wraps
    for (std::int64_t k = 0; k < columns; ++k) sum += static_cast<std::uint32_t>((left[k] - zero) * right[k]);
    finish_sum(epilogue, i, row, static_cast<std::int32_t>(sum));
  }
}

void run(const KernelCall& call) {
  if (call.inputs[code_product::kX].dtype == codes::kI8)
    multiply<std::int8_t>(call);
  else
    multiply<std::uint8_t>(call);
}

bool serial(const KernelCall& call) {
  constexpr std::int64_t kFewProducts = 100000;
  const TensorArg& weight = call.inputs[code_product::kWeight];
  return element_count(call.outputs[0]) * weight.dims[1] <= kFewProducts;
}

}  // namespace

std::span<const Kernel> linear_codes_kernels() {
  static const Kernel kKernels[] = {
      {.name = "portable.linear_codes.rows",
       .op = "LinearCodes",
       .arithmetic = "int8",
       .accepts = [](const NodeTypes&) { return true; },  // the rule has checked
       .run = run,
       .serial = serial}};
  return kKernels;
}

}  // namespace lathe::portable
