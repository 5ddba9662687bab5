// Macros as values.
#pragma once

#include <memory>

#include "text/template_nodes.h"

namespace lathe::jinja {

/// The macro, seeing the variables of the current scope.
Value make_macro(Machine& machine, std::shared_ptr<const MacroNode> node);

}  // namespace lathe::jinja
