// A checkpoint with its matrices in another type.
#pragma once

#include <memory>

#include "formats/checkpoint.h"
#include "models/weight_type.h"

namespace lathe {

/// `checkpoint` itself where nothing changes. Throws Error(resource_limit) where memory does not suffice.
std::shared_ptr<const Checkpoint> convert_weights(const std::shared_ptr<const Checkpoint>& checkpoint,
                                                  WeightType weights, int threads);

}  // namespace lathe
