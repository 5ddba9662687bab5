#include "apps/interrupt.h"

#include <pthread.h>
#include <csignal>
#include <cstdlib>

#include "apps/output.h"

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
    handle();
  }
}

void Interrupt::handle() {
  if (answer_ != nullptr && !interrupted_) {
    interrupted_ = true;
    answer_->cancel();
    return;
  }
  if (hint_.empty()) leave();
  if (!prompting_) return;  // an answer is about to begin, or already ending
  if (hinted_) {
    write_error("\n");
    leave();
  }
  hinted_ = true;
  write_error(hint_);
}

void Interrupt::leave() {
  if (clean_) clean_();
  std::_Exit(kInterruptedStatus);
}

void Interrupt::hold_conversation(std::string hint) {
  const std::lock_guard lock(mutex_);
  hint_ = std::move(hint);
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

Interrupt::Prompt::Prompt(Interrupt& interrupt) : interrupt_(interrupt) {
  const std::lock_guard lock(interrupt_.mutex_);
  interrupt_.prompting_ = true;
  interrupt_.hinted_ = false;
}

Interrupt::Prompt::~Prompt() {
  const std::lock_guard lock(interrupt_.mutex_);
  interrupt_.prompting_ = false;
}

Interrupt::Cleanup::Cleanup(Interrupt& interrupt, std::function<void()> clean) : interrupt_(interrupt) {
  const std::lock_guard lock(interrupt_.mutex_);
  interrupt_.clean_ = std::move(clean);
}

Interrupt::Cleanup::~Cleanup() {
  const std::lock_guard lock(interrupt_.mutex_);
  interrupt_.clean_ = nullptr;
}

}  // namespace lathe::apps
