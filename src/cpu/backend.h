// The CPU as a device: host memory, threads of its own, kernels of the best instruction set.
#pragma once

#include <memory>

#include "backend/backend.h"
#include "base/cpu_features.h"

namespace lathe {

/// `threads` 0: one per core.
std::shared_ptr<Backend> make_cpu_backend(int threads, IsaLevel level = chosen_isa());

}  // namespace lathe
