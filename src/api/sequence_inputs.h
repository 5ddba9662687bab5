// A model's inputs for a run of tokens of one sequence.
#pragma once

#include <cstdint>
#include <span>

#include "api/program_inputs.h"

namespace lathe {

/// The inputs of backend/cache_layout.h for tokens [past, past + count) of one sequence whose pages are 0 and
/// on; logits of all of them.
InputTensors sequence_inputs(std::span<const std::int32_t> ids, std::int64_t past, std::int64_t count);

}  // namespace lathe
