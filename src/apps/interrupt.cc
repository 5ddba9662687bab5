#include "apps/interrupt.h"

#include <pthread.h>
#include <csignal>
#include <cstdlib>

namespace lathe::apps {
namespace {

sigset_t interrupt_set() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  return set;
}

}  // namespace

Interrupt::Interrupt() {
  const sigset_t set = interrupt_set();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  watcher_ = std::thread([this] { watch(); });
}

Interrupt::~Interrupt() {
  stopping_ = true;
  pthread_kill(watcher_.native_handle(), SIGINT);
  watcher_.join();
}

void Interrupt::watch() {
  const sigset_t set = interrupt_set();
  for (;;) {
    int signal = 0;
    if (sigwait(&set, &signal) != 0) continue;
    if (stopping_) return;
    const std::lock_guard lock(mutex_);
    if (answer_ == nullptr || interrupted_) std::_Exit(kInterruptedStatus);
    interrupted_ = true;
    answer_->cancel();
  }
}

Interrupt::Guard::Guard(Interrupt& interrupt, Answer& answer) : interrupt_(interrupt) {
  const std::lock_guard lock(interrupt_.mutex_);
  interrupt_.answer_ = &answer;
  interrupt_.interrupted_ = false;
}

Interrupt::Guard::~Guard() {
  const std::lock_guard lock(interrupt_.mutex_);
  interrupt_.answer_ = nullptr;
}

bool Interrupt::Guard::interrupted() const {
  const std::lock_guard lock(interrupt_.mutex_);
  return interrupt_.interrupted_;
}

}  // namespace lathe::apps
