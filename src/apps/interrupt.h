// Ctrl-C: ends the answer in progress, or the program where there is none.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
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

  /// From now on Ctrl-C ends the program at a prompt alone, where the first one in a row shows `hint`.
  void hold_conversation(std::string hint);
  /// Ctrl-C waits while the lock is held.
  std::unique_lock<std::mutex> delay() { return std::unique_lock(mutex_); }

  /// While it lives, Ctrl-C cancels `answer`; a second one ends the program, or nothing in a conversation.
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

  /// While it lives, a line is waited for.
  class Prompt {
   public:
    explicit Prompt(Interrupt& interrupt);
    ~Prompt();
    Prompt(const Prompt&) = delete;
    Prompt& operator=(const Prompt&) = delete;

   private:
    Interrupt& interrupt_;
  };

  /// While it lives, `clean` is called before Ctrl-C ends the program.
  class Cleanup {
   public:
    Cleanup(Interrupt& interrupt, std::function<void()> clean);
    ~Cleanup();
    Cleanup(const Cleanup&) = delete;
    Cleanup& operator=(const Cleanup&) = delete;

   private:
    Interrupt& interrupt_;
  };

 private:
  void watch();
  void handle();
  [[noreturn]] void leave();

  mutable std::mutex mutex_;
  Answer* answer_ = nullptr;
  bool interrupted_ = false;  // during the current guard
  std::string hint_;          // empty: no conversation
  bool prompting_ = false;
  bool hinted_ = false;  // at the current prompt
  std::function<void()> clean_;
  std::atomic<bool> stopping_{false};
  std::thread watcher_;
};

inline constexpr int kInterruptedStatus = 130;  // 128 + SIGINT, as shells have it

}  // namespace lathe::apps
