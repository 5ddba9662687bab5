#include "base/barrier.h"

#include <chrono>

namespace lathe {
namespace {

bool spin_until_changed(const std::atomic<std::uint32_t>& value, std::uint32_t old) {
  using Clock = std::chrono::steady_clock;
  constexpr auto kSpin = std::chrono::microseconds(50);
  constexpr int kSpinsPerLook = 64;
  const auto end = Clock::now() + kSpin;
  do {
    for (int i = 0; i < kSpinsPerLook; ++i) {
      if (value.load(std::memory_order_acquire) != old) return true;
      __builtin_ia32_pause();
    }
  } while (Clock::now() < end);
  return false;
}

}  // namespace

void wait_for_change(const std::atomic<std::uint32_t>& value, std::uint32_t old, bool spin) {
  if (spin && spin_until_changed(value, old)) return;
  while (value.load(std::memory_order_acquire) == old) value.wait(old, std::memory_order_acquire);
}

void Barrier::wait(int threads, bool spin) {
  if (threads == 1) return;
  const auto phase = phase_.load(std::memory_order_relaxed);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == static_cast<std::uint32_t>(threads)) {
    arrived_.store(0, std::memory_order_relaxed);
    phase_.fetch_add(1, std::memory_order_release);
    phase_.notify_all();
  } else {
    wait_for_change(phase_, phase, spin);
  }
}

}  // namespace lathe
