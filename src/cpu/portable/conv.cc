// Conv in float32 (x [N, C, spatial...], weight [M, C / group, kernel...], bias [M]) and FusedConv, which has
// an epilogue (graph/conv_epilogue.h) and its operands behind the bias; conv.h has the arithmetic. Other
// types: simple_conv.cc.
#include "cpu/conv.h"

#include <algorithm>

#include "cpu/portable/epilogue_functions.h"
#include "cpu/portable/kernel_arguments.h"
#include "cpu/portable/lanes.h"

namespace lathe::portable {
namespace {

std::size_t scratch_bytes(const KernelCall&) {
  return std::max(conv::kScratchBytes, conv::kLaneScratchBytes);
}

bool serial(const KernelCall& call) {
  constexpr std::int64_t kFewProducts = 50000;
  const TensorArg& weight = call.inputs[1];
  const std::int64_t depth = weight.dims[0] == 0 ? 0 : element_count(weight) / weight.dims[0];
  return element_count(call.outputs[0]) * depth <= kFewProducts;
}

/// Weights in bf16: pair_conv.cc.
bool accepts_fused(const NodeTypes& types) {
  return types.inputs[0].dtype == Dtype::f32 && types.inputs[1].dtype == Dtype::f32;
}

}  // namespace

std::span<const Kernel> conv_kernels() {
  static const Kernel kKernels[] = {{.name = "portable.conv.f32",
                                     .op = "Conv",
                                     .arithmetic = "f32",
                                     .accepts = accepts_f32,
                                     .run = conv::run_plain<Lanes, 4, 1, EpilogueFunctions>,
                                     .scratch_bytes = scratch_bytes,
                                     .serial = serial},
                                    {.name = "portable.fused_conv.f32",
                                     .op = "FusedConv",
                                     .arithmetic = "f32",
                                     .accepts = accepts_fused,
                                     .run = conv::run_fused<Lanes, 4, 1, EpilogueFunctions>,
                                     .scratch_bytes = scratch_bytes,
                                     .serial = serial}};
  return kKernels;
}

}  // namespace lathe::portable
