// The five steps of an answer, for --trace and --json.
#pragma once

#include <string>

#include "lathe/lathe.h"

namespace lathe::apps {

/// Five lines, one a step.
std::string format_trace(const Model& model, const Trace& trace);
/// The members of a JSON object without its braces.
std::string trace_json(const Trace& trace);

}  // namespace lathe::apps
