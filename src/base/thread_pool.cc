#include "base/thread_pool.h"

#include <algorithm>
#include <system_error>

#include "base/error.h"

namespace lathe {
namespace {

constexpr int kCountBits = 11;  // 1024 fits
constexpr std::uint64_t kCountMask = (std::uint64_t{1} << kCountBits) - 1;

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

void ThreadPool::announce(int count) {
  const std::uint64_t number = (order_.load(std::memory_order_relaxed) >> kCountBits) + 1;
  order_.store(number << kCountBits | static_cast<std::uint64_t>(count), std::memory_order_release);
  generation_.store(static_cast<std::uint32_t>(number), std::memory_order_release);
  generation_.notify_all();
}

void ThreadPool::stop() {
  stopping_.store(true, std::memory_order_relaxed);
  announce(threads());
  for (auto& worker : workers_) worker.join();
}

void ThreadPool::run(const std::function<void(int)>& task, int threads) {
  const std::scoped_lock lock(turn_);
  running_threads_ = threads == 0 ? this->threads() : std::min(threads, this->threads());
  if (running_threads_ == 1) return task(0);
  task_ = &task;
  running_.store(static_cast<std::uint32_t>(running_threads_) - 1, std::memory_order_relaxed);
  announce(running_threads_);
  task(0);
  for (auto left = running_.load(std::memory_order_acquire); left != 0;
       left = running_.load(std::memory_order_acquire))
    wait_for_change(running_, left, spins_);
}

void ThreadPool::work(int thread) {
  std::uint32_t seen = 0;
  for (;;) {
    wait_for_change(generation_, seen, spins_);
    const auto order = order_.load(std::memory_order_acquire);
    const auto number = static_cast<std::uint32_t>(order >> kCountBits);
    if (number == seen) continue;  // done already; generation_ follows at once
    seen = number;
    if (stopping_.load(std::memory_order_relaxed)) return;
    if (static_cast<std::uint64_t>(thread) >= (order & kCountMask)) continue;
    (*task_)(thread);
    if (running_.fetch_sub(1, std::memory_order_acq_rel) == 1) running_.notify_all();
  }
}

}  // namespace lathe
