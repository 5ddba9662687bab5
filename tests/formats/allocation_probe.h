// Counts and fails allocations of this test program (operator new is replaced in allocation_probe.cc).
#pragma once

#include <cstddef>
#include <cstdint>

namespace lathe::test {

/// Counts from its construction on; one at a time.
class AllocationProbe {
 public:
  AllocationProbe();
  ~AllocationProbe();
  AllocationProbe(const AllocationProbe&) = delete;
  AllocationProbe& operator=(const AllocationProbe&) = delete;

  /// The allocation with this index, counted from now, throws std::bad_alloc.
  void fail_at(std::int64_t index) const;

  std::size_t allocated_bytes() const;  // sum of all sizes asked for
  std::int64_t allocations() const;     // attempts, the failed one included
  std::int64_t live() const;            // allocations made and not yet freed
};

}  // namespace lathe::test
