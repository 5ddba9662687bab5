// A model as GGUF says it.
#pragma once

#include <memory>

#include "formats/checkpoint.h"

namespace lathe {

/// What is written for a loaded file or folder: its tensors and metadata, with a folder's tokenizer as keys.
/// Throws Error(unsupported) naming what GGUF cannot say.
Checkpoint gguf_model(const Checkpoint& loaded);

/// Says which rules readers of blocks have to go by, where there are blocks.
void set_quantization_version(Checkpoint& written);

}  // namespace lathe
