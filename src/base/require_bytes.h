// Memory for one thing that is about to be allocated.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/memory_available.h"

namespace lathe {

/// Throws Error(resource_limit): "`what` needs ... bytes of memory, and the machine has ... left", where that
/// is so. `field` is its place.
void require_bytes(std::uint64_t bytes, const std::string& what,
                   const std::optional<MemoryAvailable>& available, const std::string& field);

}  // namespace lathe
