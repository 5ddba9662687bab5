#include "base/thread_pool.h"

#include <algorithm>
#include <chrono>
#include <system_error>

#include "base/error.h"

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

/// Returns when `value` is no longer `old`.
void wait_for_change(const std::atomic<std::uint32_t>& value, std::uint32_t old, bool spin) {
  if (spin && spin_until_changed(value, old)) return;
  while (value.load(std::memory_order_acquire) == old) value.wait(old, std::memory_order_acquire);
}

}  // namespace

ThreadPool::ThreadPool(int threads)
    : spins_(static_cast<unsigned>(std::max(threads, 0)) <=
             std::max(1u, std::thread::hardware_concurrency())) {
  if (threads < 1 || threads > 1024)
    throw Error(ErrorCode::invalid_argument, "threads must be 1 to 1024, not " + std::to_string(threads),
                {{}, std::nullopt, "threads"});
  workers_.reserve(static_cast<std::size_t>(threads) - 1);
  try {
    for (int i = 1; i < threads; ++i) workers_.emplace_back([this, i] { work(i); });
  } catch (const std::system_error& error) {
    stop();
    throw Error(ErrorCode::resource_limit, "thread " + std::to_string(workers_.size() + 2) + " of " +
                                               std::to_string(threads) +
                                               " cannot be started: " + error.what());
  }
}

ThreadPool::~ThreadPool() { stop(); }

void ThreadPool::stop() {
  stopping_.store(true, std::memory_order_relaxed);
  generation_.fetch_add(1, std::memory_order_release);
  generation_.notify_all();
  for (auto& worker : workers_) worker.join();
}

void ThreadPool::run(const std::function<void(int)>& task) {
  if (workers_.empty()) return task(0);
  task_ = &task;
  running_.store(static_cast<std::uint32_t>(workers_.size()), std::memory_order_relaxed);
  generation_.fetch_add(1, std::memory_order_release);
  generation_.notify_all();
  task(0);
  for (auto left = running_.load(std::memory_order_acquire); left != 0;
       left = running_.load(std::memory_order_acquire))
    wait_for_change(running_, left, spins_);
}

void ThreadPool::work(int thread) {
  std::uint32_t seen = 0;
  for (;;) {
    wait_for_change(generation_, seen, spins_);
    ++seen;
    if (stopping_.load(std::memory_order_relaxed)) return;
    (*task_)(thread);
    if (running_.fetch_sub(1, std::memory_order_acq_rel) == 1) running_.notify_all();
  }
}

void ThreadPool::barrier() {
  const auto count = static_cast<std::uint32_t>(threads());
  if (count == 1) return;
  const auto phase = phase_.load(std::memory_order_relaxed);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == count) {
    arrived_.store(0, std::memory_order_relaxed);
    phase_.fetch_add(1, std::memory_order_release);
    phase_.notify_all();
  } else {
    wait_for_change(phase_, phase, spins_);
  }
}

}  // namespace lathe
