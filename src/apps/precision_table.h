// How the types of a network's layers were chosen, as a table for a terminal.
#pragma once

#include <string>

#include "lathe/inspection.h"

namespace lathe::apps {

/// A row for each layer; empty where nothing was chosen.
std::string format_precision(const PrecisionInspection& precision);

}  // namespace lathe::apps
