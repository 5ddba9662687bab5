// What the engine binds to a plan and reads of it, held to what a plan file says.
#pragma once

#include "backend/plan.h"
#include "lathe/options.h"
#include "models/architecture.h"

namespace lathe {

/// Inputs, state and outputs have the types that a model of this shape has with these options, which are
/// complete, and there are no others. Throws Error(invalid_model) naming the tensor.
void check_bindings(const Plan& plan, const std::string& file, const ModelOptions& options,
                    const ModelShape& shape);

}  // namespace lathe
