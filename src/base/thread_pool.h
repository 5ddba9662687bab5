// Workers that run one function together, with a barrier inside it.
// The caller is worker 0. Waiting workers spin at most 50 us, then sleep on a futex; with more threads than
// cores they sleep at once, since a thread that spins keeps another from coming.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "base/barrier.h"

namespace lathe {

class ThreadPool {
 public:
  /// 1 to 1024, the caller included. Throws Error(resource_limit) where the system refuses a thread.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }
  bool spins() const { return spins_; }  // what barriers beside this one's should do

  /// Runs task(thread) once on each of the threads, or on the first `threads` of them where that is not 0,
  /// and returns when all are done. Callers from several threads take turns. The task must not throw, and
  /// must not call run().
  void run(const std::function<void(int thread)>& task, int threads = 0);

  /// Inside a task: waits until every thread of the run has come here. All must call it equally often.
  void barrier() { barrier_.wait(running_threads_, spins_); }

 private:
  void work(int thread);
  void stop();               // ends the workers and waits for them
  void announce(int count);  // a task for the first `count` threads

  const bool spins_;
  std::vector<std::thread> workers_;
  std::mutex turn_;  // held by whoever runs a task
  const std::function<void(int)>* task_ = nullptr;
  int running_threads_ = 1;
  Barrier barrier_;
  /// Number of the task, and in the low bits how many threads it is for. A worker that it is not for may come
  /// late and see a later one instead.
  alignas(64) std::atomic<std::uint64_t> order_{0};
  std::atomic<std::uint32_t> generation_{0};           // low bits of that number; workers wait for a change
  alignas(64) std::atomic<std::uint32_t> running_{0};  // workers still inside the task
  std::atomic<bool> stopping_{false};
};

}  // namespace lathe
