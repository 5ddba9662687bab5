#include "api/plan_store.h"

#include <sys/resource.h>

#include <algorithm>
#include <system_error>

#include "api/model_implementation.h"
#include "api/plan_package.h"

namespace lathe {
namespace {

constexpr int kPriority = 10;                             // lower than the program's own
constexpr std::size_t kPartBytes = std::size_t{1} << 24;  // that are written between two looks
constexpr std::chrono::milliseconds kLook{50};
constexpr double kGuessAfter = 1;  // seconds at the program's end
constexpr double kLongestWait = 10;

double seconds(std::chrono::steady_clock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

PlanStore::~PlanStore() {
  start();
  if (!thread_.joinable()) return;
  const auto since = Clock::now();
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, kLook, [this] { return done_; })) {
    if (takes_too_long(since)) cancelled_ = true;
  }
  lock.unlock();
  thread_.join();
}

void PlanStore::start() {
  std::call_once(started_, [this] {
    start_ = Clock::now();
    try {
      thread_ = std::thread([this] { run(); });
    } catch (const std::system_error&) {
      return;  // without threads to spare there is no plan
    }
  });
}

void PlanStore::run() {
  ::setpriority(PRIO_PROCESS, 0, kPriority);  // of this thread
  entry_.store([this](const PlanCacheEntry::Write& to) { write(to); });
  const std::lock_guard lock(mutex_);
  done_ = true;
  changed_.notify_all();
}

void PlanStore::write(const PlanCacheEntry::Write& to) {
  write_model_plan(model_, false, [&](std::span<const std::byte> bytes, std::uint64_t total) {
    total_ = total;
    while (!bytes.empty()) {
      if (cancelled_) return;
      const auto part = bytes.first(std::min(bytes.size(), kPartBytes));
      to(part, total);
      written_ += part.size();
      bytes = bytes.subspan(part.size());
    }
  });
}

bool PlanStore::takes_too_long(Clock::time_point waiting_since) const {
  const auto now = Clock::now();
  const double waited = seconds(now - waiting_since);
  if (waited > kLongestWait) return true;
  if (waited < kGuessAfter || written_ == 0) return false;
  const double done = static_cast<double>(written_) / static_cast<double>(total_);
  return waited + seconds(now - start_) * (1 - done) / done > kLongestWait;
}

}  // namespace lathe
