// Models that can be named instead of given as a path, and where their files are.
#pragma once

#include <string>

#include "lathe/options.h"

namespace lathe {

/// The path of a known name's file, downloaded first where it is missing or has another size and
/// options.fetch allows it, or `name_or_path` itself. Throws Error(not_found, network, io).
std::string resolve_model(const std::string& name_or_path, const ModelOptions& options);

}  // namespace lathe
