// A barrier for threads that meet often, and the wait beneath it.
#pragma once

#include <atomic>
#include <cstdint>

namespace lathe {

/// Returns when `value` is no longer `old`: spins at most 50 us if `spin`, then sleeps on a futex until it is
/// notified.
void wait_for_change(const std::atomic<std::uint32_t>& value, std::uint32_t old, bool spin);

class Barrier {
 public:
  /// Waits until `threads` threads have come here, the caller among them; they are the same ones each time.
  void wait(int threads, bool spin);

 private:
  alignas(64) std::atomic<std::uint32_t> arrived_{0};
  alignas(64) std::atomic<std::uint32_t> phase_{0};  // counts how often all had come
};

}  // namespace lathe
