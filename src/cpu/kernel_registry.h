// The kernel files that the build found (kernel_registry.cc is generated).
#pragma once

#include <iterator>
#include <span>

#include "backend/kernel.h"
#include "base/cpu_features.h"
#include "cpu/isa_kernel.h"

namespace lathe {

using PortableKernels = std::span<const Kernel> (*)();

struct IsaKernelFile {
  IsaLevel level;
  const IsaKernel* kernels;
};

std::span<const PortableKernels> portable_kernel_files();
std::span<const IsaKernelFile> isa_kernel_files();

}  // namespace lathe
