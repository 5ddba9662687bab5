// Which types the layers of a network may have, as a user says it.
#pragma once

#include <span>
#include <vector>

#include "lathe/execute.h"
#include "passes/quantize_layers.h"

namespace lathe {

/// What one layer may become, and who said so.
struct AllowedTypes {
  std::vector<LayerType> types;  // at least one, without repeats
  bool is_constrained = false;   // by a rule for this layer
};

/// Of each layer. Throws Error(invalid_argument) naming the option: a type that there is not, an expression
/// that names no layer, and a layer that cannot have any of its types.
std::vector<AllowedTypes> allowed_types(const PrecisionOptions& options,
                                        std::span<const WeightedLayer> layers);

}  // namespace lathe
