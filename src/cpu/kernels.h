// The table of CPU kernels.
#pragma once

#include <vector>

#include "backend/kernel.h"
#include "base/cpu_features.h"

namespace lathe {

/// All kernels up to and including `level`; names are "<isa>.<kernel>" and live as long as the program.
/// Throws Error(internal) where an ISA file names a kernel that its portable file lacks.
std::vector<Kernel> cpu_kernels(IsaLevel level);

}  // namespace lathe
