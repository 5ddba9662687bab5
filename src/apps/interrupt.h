// Ctrl-C: ends the answer in progress, or the program where there is none.
#pragma once

#include <atomic>
#include <mutex>
#include <thread>

#include "lathe/lathe.h"

namespace lathe::apps {

class Interrupt {
 public:
  /// Must be made before any other thread: they all inherit that SIGINT is left to this one's watcher.
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  /// While it lives, Ctrl-C cancels `answer`; a second one ends the program.
  class Guard {
   public:
    Guard(Interrupt& interrupt, Answer& answer);
    ~Guard();
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;
    bool interrupted() const;

   private:
    Interrupt& interrupt_;
  };

 private:
  void watch();

  mutable std::mutex mutex_;
  Answer* answer_ = nullptr;
  bool interrupted_ = false;  // during the current guard
  std::atomic<bool> stopping_{false};
  std::thread watcher_;
};

inline constexpr int kInterruptedStatus = 130;  // 128 + SIGINT, as shells have it

}  // namespace lathe::apps
