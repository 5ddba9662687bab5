#include "cpu/limits.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <new>
#include <vector>

#include "base/error.h"
#include "base/thread_pool.h"
#include "cpu/machine_limit.h"

namespace lathe {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t kBytes = std::int64_t{256} << 20;  // more than caches hold
constexpr double kSeconds = 0.2;                          // for each of the two

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

const DotLoop& dot_loop(IsaLevel level) {
  if (level >= IsaLevel::avx512) return avx512::machine_limit_dot;
  if (level >= IsaLevel::avx2) return avx2::machine_limit_dot;
  return portable::machine_limit_dot;
}

/// The best rate of `amount` per run, over the runs that fit the time; at least three.
template <class Run>
double best_rate(double amount, Run run) {
  double best = 0;
  const auto start = Clock::now();
  for (int i = 0; i < 3 || seconds_since(start) < kSeconds; ++i) {
    const auto begin = Clock::now();
    run();
    best = std::max(best, amount / seconds_since(begin));
  }
  return best;
}

struct Memory {
  void* data = std::aligned_alloc(64, kBytes);
  Memory() = default;
  ~Memory() { std::free(data); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
};

}  // namespace

CpuLimits measure_cpu_limits(int threads, IsaLevel level) {
  ThreadPool pool(threads);
  const Memory memory;
  if (memory.data == nullptr)
    throw Error(ErrorCode::resource_limit, "no memory to measure how fast it is read");
  const std::int64_t words = kBytes / 8 / threads / 8 * 8;  // of each thread
  const auto part = [&](int thread) { return static_cast<std::uint64_t*>(memory.data) + thread * words; };
  pool.run([&](int thread) { std::memset(part(thread), thread + 1, static_cast<std::size_t>(words) * 8); });

  std::atomic<std::uint64_t> wanted{0};  // what the loops return goes somewhere, so that they are run
  CpuLimits limits;
  limits.read_bytes_per_s = best_rate(static_cast<double>(words * 8 * threads), [&] {
    pool.run([&](int thread) { wanted += portable::machine_limit_read(part(thread), words); });
  });
  const DotLoop& dot = dot_loop(level);
  const std::int64_t rounds = std::int64_t{1} << 20;
  limits.int8_operations_per_s =
      best_rate(static_cast<double>(rounds * dot.operations_per_round * threads),
                [&] { pool.run([&](int) { wanted += static_cast<std::uint64_t>(dot.run(rounds)); }); });
  return limits;
}

}  // namespace lathe
