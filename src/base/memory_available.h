// How much memory this process may still take.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace lathe {

struct MemoryAvailable {
  std::uint64_t bytes = 0;
  std::string limit;  // what sets it: "the machine", "the address space" or "the control group"
};

/// The least of what the machine has left, what RLIMIT_AS leaves of the address space, and what the control
/// groups of this process leave (memory that holds pages of files counts as left). Empty where none of them
/// can be read. `root`: where proc and sys lie.
std::optional<MemoryAvailable> memory_available(const std::filesystem::path& root = "/");

/// What something needs of memory, by use.
struct MemoryNeeds {
  std::uint64_t weights = 0;  // packed; weights that are used where the file lies need none
  std::uint64_t cache = 0;    // keys and values
  std::uint64_t tensors = 0;  // of a step
};

/// Throws Error(resource_limit) with what is needed and what there is, where the sum is more than that.
void require_memory(const MemoryNeeds& needs, const std::optional<MemoryAvailable>& available);

}  // namespace lathe
