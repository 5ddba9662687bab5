// What ModelOptions::activations says, as the compiler takes it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lathe/options.h"
#include "passes/pass.h"

namespace lathe {

inline constexpr std::string_view kStaticActivations = "static";

/// Throws Error(invalid_argument) for a word that is none of "", "32", "256", "row" and "static".
void require_known_activations(const ModelOptions& options);

/// For "static", and for "", which keeps columns fine, the model in `path` runs once over the calibration text, or without a tokenizer over ids from
/// the whole vocabulary.
ActivationCodes activation_codes(const std::string& path, const ModelOptions& options);

}  // namespace lathe
