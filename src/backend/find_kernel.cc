#include "backend/backend.h"

namespace lathe {

const Kernel* find_kernel(std::span<const Kernel> kernels, const NodeTypes& types,
                          std::string_view arithmetic) {
  const Kernel* best = nullptr;
  for (const auto& kernel : kernels) {
    if (kernel.op != types.node->op->name) continue;
    if (!arithmetic.empty() && kernel.arithmetic != arithmetic) continue;
    if (best != nullptr && kernel.rank <= best->rank) continue;
    if (kernel.accepts == nullptr || kernel.accepts(types)) best = &kernel;
  }
  return best;
}

}  // namespace lathe
