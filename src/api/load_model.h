// A model from its file, folder or plan, or from the plan that the cache has of it.
#pragma once

#include <memory>
#include <string>

#include "lathe/options.h"

namespace lathe {

class ModelImplementation;

std::shared_ptr<ModelImplementation> load_model(const std::string& path, const ModelOptions& options);

}  // namespace lathe
