// WinogradConv in float32 (x [N, C, H, W], transformed weight [36, M, C], bias [M] or none, operands of the
// epilogue); winograd_conv.h has the arithmetic.
#include "cpu/winograd_conv.h"

#include "cpu/portable/epilogue_functions.h"
#include "cpu/portable/float_element.h"
#include "cpu/portable/lanes.h"

namespace lathe::portable {

std::span<const Kernel> winograd_conv_kernels() {
  static const Kernel kKernels[] = {{.name = "portable.winograd_conv",
                                     .op = "WinogradConv",
                                     .arithmetic = "winograd",
                                     .accepts = accepts_element<F32Element>,
                                     .run = conv::run_winograd<Lanes, 4, 1, EpilogueFunctions>,
                                     .scratch_bytes = conv::winograd_scratch_bytes}};
  return kKernels;
}

}  // namespace lathe::portable
