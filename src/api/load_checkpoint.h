// Which reader a model's path goes to.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "formats/checkpoint.h"
#include "lathe/options.h"
#include "text/tokenizer_data.h"

namespace lathe {

/// A folder is a Hugging Face folder, a file named .onnx a network, and any other a GGUF file. Weights become what options.weight_type says.
/// Throws Error(unsupported) for a pickled file, and what the readers throw.
std::shared_ptr<const Checkpoint> load_checkpoint(const std::string& path, const ModelOptions& options);

/// The tokenizer of the file or folder that the checkpoint came from, of an .onnx file that of its folder;
/// empty for a folder without tokenizer.json. Throws what its readers throw.
std::optional<TokenizerData> load_tokenizer(const Checkpoint& checkpoint);

}  // namespace lathe
