// Workers that run one function together, with a barrier inside it.
// The caller is worker 0. Waiting workers spin at most 50 us, then sleep on a futex; with more threads than
// cores they sleep at once, since a thread that spins keeps another from coming.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

namespace lathe {

class ThreadPool {
 public:
  /// 1 to 1024, the caller included. Throws Error(resource_limit) where the system refuses a thread.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  /// Runs task(thread) once on each of the threads and returns when all are done. One caller at a time.
  /// The task must not throw.
  void run(const std::function<void(int thread)>& task);

  /// Inside a task: waits until every thread has come here. All threads must call it equally often.
  void barrier();

 private:
  void work(int thread);
  void stop();  // ends the workers and waits for them

  const bool spins_;
  std::vector<std::thread> workers_;
  const std::function<void(int)>* task_ = nullptr;
  alignas(64) std::atomic<std::uint32_t> generation_{0};  // counts tasks; workers wait for it to change
  alignas(64) std::atomic<std::uint32_t> running_{0};     // workers still inside the task
  alignas(64) std::atomic<std::uint32_t> arrived_{0};     // threads at the barrier
  alignas(64) std::atomic<std::uint32_t> phase_{0};       // counts barriers passed
  std::atomic<bool> stopping_{false};
};

}  // namespace lathe
