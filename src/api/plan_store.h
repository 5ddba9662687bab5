// Writes a model's plan into the cache beside what else the program does: on a thread of low priority that
// begins when it is told to, not to slow the first answer.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

#include "api/plan_cache.h"

namespace lathe {

class ModelImplementation;

class PlanStore {
 public:
  /// The model must outlive it.
  PlanStore(PlanCacheEntry entry, const ModelImplementation& model)
      : entry_(std::move(entry)), model_(model) {}
  /// Starts where nobody did. Waits for what ends within seconds, and gives up what would not.
  ~PlanStore();
  PlanStore(const PlanStore&) = delete;
  PlanStore& operator=(const PlanStore&) = delete;

  void start();  // from any thread; once

 private:
  using Clock = std::chrono::steady_clock;
  void run();
  void write(const PlanCacheEntry::Write& write);
  bool takes_too_long(Clock::time_point waiting_since) const;

  const PlanCacheEntry entry_;
  const ModelImplementation& model_;
  std::once_flag started_;
  Clock::time_point start_;
  std::atomic<std::uint64_t> written_ = 0;
  std::atomic<std::uint64_t> total_ = 0;
  std::atomic<bool> cancelled_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;
  std::thread thread_;
};

}  // namespace lathe
