#include "base/require_bytes.h"

#include "base/error.h"

namespace lathe {

void require_bytes(std::uint64_t bytes, const std::string& what,
                   const std::optional<MemoryAvailable>& available, const std::string& field) {
  if (!available || bytes <= available->bytes) return;
  throw Error(ErrorCode::resource_limit,
              what + " needs " + std::to_string(bytes) + " bytes of memory, and " + available->limit +
                  " has " + std::to_string(available->bytes) + " left",
              {{}, std::nullopt, field});
}

}  // namespace lathe
