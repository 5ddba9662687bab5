// What a file in avx2/ or avx512/ offers. Plain data, so that those files may include it.
//
//   src/cpu/portable/<op>.cc defines   std::span<const Kernel> lathe::portable::<op>_kernels(),
//                                      named "portable.<kernel>"
//   src/cpu/avx512/<op>.cc defines     extern const IsaKernel lathe::avx512::<op>_kernels[],
//                                      which ends with {nullptr}
// An ISA kernel takes everything but the function (and, if it gives one, the scratch) from the portable
// kernel of its name. A name that ends with * gives one kernel for each portable one whose name begins so.
#pragma once

#include "backend/kernel_call.h"

namespace lathe {

struct IsaKernel {
  const char* name;  // the portable kernel's, without "portable."
  KernelFunction run;
  std::size_t (*scratch_bytes)(const KernelCall& call);  // nullptr: as the portable kernel
};

}  // namespace lathe
