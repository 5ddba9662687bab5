// What a plan file keeps of the model that it was made of: metadata without the tokenizer's lists, and the
// names, types and shapes of its tensors.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "formats/checkpoint.h"

namespace lathe {

std::string write_checkpoint_section(const Checkpoint& checkpoint);

/// A checkpoint whose tensors have no data; `file` is the plan's. Throws Error(invalid_file).
std::shared_ptr<const Checkpoint> read_checkpoint_section(std::span<const std::byte> bytes,
                                                          const std::string& file);

}  // namespace lathe
