// Runs one node on constants, for passes that fold them.
#pragma once

#include <span>
#include <vector>

#include "backend/kernel.h"
#include "graph/graph.h"
#include "passes/pass.h"

namespace lathe {

/// Each output, or nothing where no host kernel takes the inputs as they lie. The outputs' types have no
/// symbols.
std::optional<std::vector<ConstantData>> evaluate_on_host(std::span<const Kernel> kernels, const Node& node,
                                                          std::span<const TensorView> inputs,
                                                          std::span<const ValueType> outputs);

}  // namespace lathe
