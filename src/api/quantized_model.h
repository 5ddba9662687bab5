// What a quantized file says of itself, and where it may go.
#pragma once

#include <string>
#include <vector>

#include "api/tensor_types.h"
#include "formats/checkpoint.h"

namespace lathe {

/// Throws Error(invalid_argument) where writing `output` would replace the model at `path`, or a file of it,
/// while it is read.
void refuse_own_input(const std::string& path, const std::string& output);

/// Whether blocks are rounded a second time. `types`: one for each tensor, in the checkpoint's order.
bool was_quantized(const Checkpoint& checkpoint, const std::vector<TensorType>& types);

/// The written model's metadata and tensors, of which only types and shapes count.
Checkpoint quantized_model(const Checkpoint& loaded, const std::vector<TensorType>& types,
                           std::int64_t file_type);

/// general.file_type of a mix without a name: of the type that most bytes have.
std::int64_t nearest_file_type(const Checkpoint& loaded, const std::vector<TensorType>& types);

}  // namespace lathe
