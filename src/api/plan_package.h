// A model as a plan file: what the file's named sections hold, beside the plan itself.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "backend/plan_file.h"
#include "lathe/options.h"
#include "passes/pipeline.h"

namespace lathe {

class ModelImplementation;

/// What plans of this program and processor are bound to; `graph_before` is the text form.
PlanBinding plan_binding(const std::string& graph_before);

using WriteBytes = std::function<void(std::span<const std::byte> bytes, std::uint64_t total)>;
/// Throws Error(invalid_argument) where the model was loaded without weights.
void write_model_plan(const ModelImplementation& model, bool strip, const WriteBytes& write);

/// Of the options, those that a plan depends on, as bytes.
std::string options_section(const ModelOptions& options);
/// What passes did. Without seconds: the same model gives the same file.
std::string passes_section(const std::vector<PassReport>& passes);
/// The options that the plan was built with; those that do not outlive building have their defaults.
ModelOptions plan_options(const PlanFile& file);
/// Those to run with: what `chosen` leaves open is as built. Throws Error(invalid_argument) naming the field
/// and what the plan was built for.
ModelOptions run_options(const ModelOptions& chosen, const PlanFile& file);
/// Names stay where the file has them.
std::vector<PassReport> plan_passes(const PlanFile& file);

}  // namespace lathe
