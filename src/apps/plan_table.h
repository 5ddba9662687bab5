// A plan as tables for a terminal.
#pragma once

#include <string>

#include "lathe/inspection.h"

namespace lathe::apps {

/// Of every profile its ranges, steps and memory, then the weights by type. `layers`: steps that do the same
/// in every layer are one row; `full`: every step is one.
std::string format_plan(const Inspection& inspection, InspectionDetail detail);

}  // namespace lathe::apps
