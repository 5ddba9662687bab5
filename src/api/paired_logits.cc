#include "api/paired_logits.h"

#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

namespace lathe {
namespace {

/// Thrown through a source while another one's failure ends all.
struct OtherFailed : std::exception {
  const char* what() const noexcept override { return "another model failed"; }
};

/// Who may go on: one of several threads, in a ring.
class Turn {
 public:
  explicit Turn(std::size_t sides) : sides_(sides) {}

  void wait(std::size_t side) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return turn_ == side || failed_; });
    if (failed_) throw OtherFailed();
  }
  void pass_on() {
    const std::lock_guard lock(mutex_);
    turn_ = (turn_ + 1) % sides_;
    changed_.notify_all();
  }
  void stop(std::exception_ptr failure) {
    const std::lock_guard lock(mutex_);
    if (!failed_) failed_ = std::move(failure);
    changed_.notify_all();
  }
  void rethrow() const {
    if (failed_) std::rethrow_exception(failed_);
  }

 private:
  const std::size_t sides_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t turn_ = 0;
  std::exception_ptr failed_;
};

/// Calls `full` with a window whenever it holds kPairedRows rows, and at the last position.
void fill_windows(const LogitsSource& source, std::span<const TokenId> ids, std::int32_t first,
                  LogitsWindow& window, const std::function<void(bool last)>& full) {
  const auto end = static_cast<std::int32_t>(ids.size());
  source(ids, first, [&](std::int32_t position, std::span<const float> row) {
    window.add(position, row);
    const bool last = position + 1 == end;
    if (last || window.rows == static_cast<std::size_t>(kPairedRows)) full(last);
  });
}

}  // namespace

void LogitsWindow::add(std::int32_t at, std::span<const float> row) {
  if (rows == 0) position = at;
  logits.insert(logits.end(), row.begin(), row.end());
  ++rows;
}

void LogitsWindow::clear() {
  rows = 0;
  logits.clear();
}

std::span<const float> LogitsWindow::row(std::size_t index) const {
  const std::size_t vocabulary = logits.size() / rows;
  return std::span(logits).subspan(index * vocabulary, vocabulary);
}

void in_windows(const LogitsSource& source, std::span<const TokenId> ids, std::int32_t first,
                const std::function<void(const LogitsWindow&)>& take) {
  LogitsWindow window;
  fill_windows(source, ids, first, window, [&](bool) {
    take(window);
    window.clear();
  });
}

void in_paired_windows(const LogitsSource& reference, std::span<const LogitsSource> sources,
                       std::span<const TokenId> ids, std::int32_t first, const TakeWindows& take) {
  Turn turn(sources.size() + 1);  // the reference is side 0
  LogitsWindow of_reference, window;
  const auto run = [&](std::size_t side) {
    try {
      turn.wait(side);
      LogitsWindow& own = side == 0 ? of_reference : window;
      fill_windows(side == 0 ? reference : sources[side - 1], ids, first, own, [&](bool last) {
        if (side > 0) {
          take(side - 1, of_reference, window);
          window.clear();
        }
        turn.pass_on();
        if (last) return;
        turn.wait(side);
        if (side == 0) of_reference.clear();
      });
    } catch (const OtherFailed&) {
      return;
    } catch (...) {
      turn.stop(std::current_exception());
    }
  };
  std::vector<std::thread> threads;
  try {
    for (std::size_t side = 1; side <= sources.size(); ++side) threads.emplace_back(run, side);
  } catch (...) {  // no more threads
    turn.stop(std::current_exception());
  }
  run(0);
  for (auto& thread : threads) thread.join();
  turn.rethrow();
}

}  // namespace lathe
