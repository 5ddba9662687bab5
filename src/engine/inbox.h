// What other threads ask of the engine's thread: new sequences, and work that needs its state. The thread
// sleeps here when it has nothing to do.
#pragma once

#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <vector>

#include "engine/sequence.h"

namespace lathe {

class Inbox {
 public:
  using Task = std::packaged_task<void()>;

  struct Content {
    std::vector<std::unique_ptr<Sequence>> sequences;
    std::vector<Task> tasks;
    bool stopping = false;
  };

  void submit(std::unique_ptr<Sequence> sequence) {
    put([&](Content& content) { content.sequences.push_back(std::move(sequence)); });
  }
  void submit(Task task) {
    put([&](Content& content) { content.tasks.push_back(std::move(task)); });
  }
  void stop() {
    put([](Content& content) { content.stopping = true; });
  }
  bool stopping() const {
    const std::lock_guard lock(mutex_);
    return content_.stopping;
  }

  /// Swaps what has come into `taken`, which is empty; with `wait`, sleeps until there is something.
  void take(Content& taken, bool wait) {
    std::unique_lock lock(mutex_);
    const auto ready = [this] {
      return content_.stopping || !content_.sequences.empty() || !content_.tasks.empty();
    };
    if (wait) changed_.wait(lock, ready);
    taken.sequences.swap(content_.sequences);
    taken.tasks.swap(content_.tasks);
    taken.stopping = content_.stopping;
  }

 private:
  template <class Change>
  void put(Change change) {
    {
      const std::lock_guard lock(mutex_);
      change(content_);
    }
    changed_.notify_one();
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Content content_;
};

}  // namespace lathe
