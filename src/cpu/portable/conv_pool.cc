// ConvPool: FusedConv (conv.cc) of images [N, C, H, W], then MaxPool, AveragePool or GlobalAveragePool of its
// outputs and functions of what is pooled; what lies between stays in scratch. Bit-equal to these one after
// the other. conv_pool.h has the order of the work.
#include "cpu/conv_pool.h"

#include "cpu/portable/epilogue_functions.h"
#include "cpu/portable/kernel_arguments.h"
#include "cpu/portable/lanes.h"

namespace lathe::portable {
namespace {

bool accepts(const NodeTypes& types) { return types.inputs[0].dtype == Dtype::f32; }

bool serial(const KernelCall& call) {
  constexpr std::int64_t kFewProducts = 50000;
  conv_pool::Work work;
  conv_pool::prepare(call, work);
  return work.conv.items * work.conv.rows * work.conv.pixels * work.conv.depth <= kFewProducts;
}

}  // namespace

std::span<const Kernel> conv_pool_kernels() {
  static const Kernel kKernels[] = {{.name = "portable.conv_pool",
                                     .op = "ConvPool",
                                     .arithmetic = "f32",
                                     .accepts = accepts,
                                     .run = conv_pool::run<Lanes, 4, 1, EpilogueFunctions>,
                                     .scratch_bytes = conv_pool::scratch_bytes,
                                     .serial = serial}};
  return kKernels;
}

}  // namespace lathe::portable
