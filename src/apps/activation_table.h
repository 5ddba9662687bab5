// Which inputs of products are kept finer than 8 bits, and why.
#pragma once

#include <string>
#include <vector>

#include "lathe/inspection.h"

namespace lathe::apps {

/// A table of those that are kept finer, or of all, and a line about the others; empty where there are none.
std::string format_activations(const std::vector<ActivationInspection>& inputs, bool all);

}  // namespace lathe::apps
