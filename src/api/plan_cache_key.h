// What decides about a compiled plan: the model's file or folder, this program, the processor, the options.
#pragma once

#include <optional>
#include <string>

#include "base/hash.h"
#include "lathe/options.h"

namespace lathe {

/// Of a GGUF file size, time and both ends count; of a folder its files' names, sizes and times, and what its
/// JSON files hold. Nothing where these cannot be read.
std::optional<Hash128> plan_cache_key(const std::string& model, const ModelOptions& options);

}  // namespace lathe
