// What ModelOptions::activations says, as the compiler takes it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/inspection.h"
#include "lathe/options.h"
#include "passes/pass.h"

namespace lathe {

inline constexpr std::string_view kStaticActivations = "static";

/// Throws Error(invalid_argument) for a word that is none of "", "32", "256", "row" and "static", and for a
/// limit that is none or that the word has no use for.
void require_known_activations(const ModelOptions& options);

struct ChosenActivations {
  ActivationCodes codes;
  std::vector<ActivationInspection> inputs;  // of products whose codes were calibrated, in their order
};

/// For "static", and for "", which keeps columns fine, the model in `path` runs once over the calibration
/// text, or without a tokenizer over ids from the whole vocabulary; not where its matrices are floats or have
/// no room a second time. `built` has the inputs of a plan that gets this model's weights: which products are
/// in float32 stays as it is, so that its steps fit.
ChosenActivations choose_activations(const std::string& path, const ModelOptions& options,
                                     const std::vector<ActivationInspection>* built = nullptr);

}  // namespace lathe
