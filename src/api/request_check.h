// Requests and options are checked here before anything is started for them.
#pragma once

#include "lathe/model.h"
#include "lathe/options.h"
#include "models/architecture.h"
#include "sample/sampler.h"

namespace lathe {

/// `options` with defaults filled in. Throws Error(invalid_argument or unsupported) naming the field.
ModelOptions complete(ModelOptions options, const ModelShape& shape);

/// All but the length of the prompt. Throws Error(invalid_argument) naming the field.
void validate(const Request& request, std::int64_t vocabulary);

SamplingParameters parameters(const Sampling& sampling);

}  // namespace lathe
