#include "api/paired_logits.h"

#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

namespace lathe {
namespace {

/// Thrown through a source whose partner has failed.
struct PartnerFailed : std::exception {
  const char* what() const noexcept override { return "the other model failed"; }
};

/// Who may go on: one of two threads.
class Turn {
 public:
  enum class Of { reference, source };

  void wait(Of side) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return turn_ == side || stopped_; });
    if (stopped_) throw PartnerFailed();
  }
  void give(Of side) {
    const std::lock_guard lock(mutex_);
    turn_ = side;
    changed_.notify_all();
  }
  void stop() {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  Of turn_ = Of::reference;
  bool stopped_ = false;
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

void in_paired_windows(const LogitsSource& reference, const LogitsSource& source,
                       std::span<const TokenId> ids, std::int32_t first,
                       const std::function<void(const LogitsWindow&, const LogitsWindow&)>& take) {
  Turn turn;
  LogitsWindow of_reference, window;
  std::exception_ptr reference_failed, failed;
  std::thread partner([&] {
    try {
      fill_windows(reference, ids, first, of_reference, [&](bool last) {
        turn.give(Turn::Of::source);
        if (last) return;
        turn.wait(Turn::Of::reference);
        of_reference.clear();
      });
    } catch (const PartnerFailed&) {
      return;
    } catch (...) {
      reference_failed = std::current_exception();
      turn.stop();
    }
  });
  try {
    turn.wait(Turn::Of::source);
    fill_windows(source, ids, first, window, [&](bool last) {
      take(of_reference, window);
      window.clear();
      if (last) return;
      turn.give(Turn::Of::reference);
      turn.wait(Turn::Of::source);
    });
  } catch (const PartnerFailed&) {
    // what the partner threw is thrown below
  } catch (...) {
    failed = std::current_exception();
    turn.stop();
  }
  partner.join();
  if (failed) std::rethrow_exception(failed);
  if (reference_failed) std::rethrow_exception(reference_failed);
}

}  // namespace lathe
