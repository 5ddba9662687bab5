#include "cpu/limits.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <vector>

#include "base/error.h"
#include "base/thread_pool.h"
#include "cpu/machine_limit.h"

namespace lathe {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t kBytes = std::int64_t{256} << 20;  // several times what a cache holds
constexpr std::int64_t kPart = std::int64_t{1} << 20;     // what a thread takes at a time
constexpr double kReadSeconds = 0.4;                      // for all ways to read together
constexpr double kDotSeconds = 0.15;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

const DotLoop& dot_loop(DotOperand operand, IsaLevel level) {
  if (operand == DotOperand::int8) {
    if (level >= IsaLevel::avx512) return avx512::machine_limit_int8;
    return level >= IsaLevel::avx2 ? avx2::machine_limit_int8 : portable::machine_limit_int8;
  }
  if (operand == DotOperand::bf16 && level >= IsaLevel::avx512bf16) return avx512bf16::machine_limit_bf16;
  if (level >= IsaLevel::avx512) return avx512::machine_limit_f32;
  return level >= IsaLevel::avx2 ? avx2::machine_limit_f32 : portable::machine_limit_f32;
}

std::vector<ReadLoop> read_loops(IsaLevel level) {
  std::vector<ReadLoop> loops(std::begin(portable::machine_limit_reads),
                              std::end(portable::machine_limit_reads));
  const auto add = [&loops](const auto& more) {
    loops.insert(loops.end(), std::begin(more), std::end(more));
  };
  if (level >= IsaLevel::avx2) add(avx2::machine_limit_reads);
  if (level >= IsaLevel::avx512) add(avx512::machine_limit_reads);
  return loops;
}

struct Memory {
  void* data = std::aligned_alloc(64, kBytes);
  Memory() = default;
  ~Memory() { std::free(data); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
};

/// Threads share the memory in small parts, so that one that is held up leaves more to the others.
template <class Task>
void share_parts(ThreadPool& pool, std::uint64_t* data, Task task) {
  std::atomic<std::int64_t> next{0};
  pool.run([&](int) {
    for (std::int64_t part = next++; part < kBytes / kPart; part = next++) task(data + part * (kPart / 8));
  });
}

/// Pages of equal bytes may be one page to the machine below a virtual one: none is like another.
void fill(ThreadPool& pool, std::uint64_t* data) {
  share_parts(pool, data, [data](std::uint64_t* part) {
    std::uint64_t state = static_cast<std::uint64_t>(part - data) + 88172645463325252u;
    for (std::int64_t i = 0; i < kPart / 8; ++i) {
      state ^= state << 13;
      state ^= state >> 7;
      state ^= state << 17;
      part[i] = state;
    }
  });
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

}  // namespace

double measure_read_limit(int threads, IsaLevel level) {
  static_assert(kPart / 8 % kReadWords == 0);
  ThreadPool pool(threads);
  const Memory memory;
  if (memory.data == nullptr)
    throw Error(ErrorCode::resource_limit, "no memory to measure how fast it is read");
  auto* data = static_cast<std::uint64_t*>(memory.data);
  fill(pool, data);

  std::atomic<std::uint64_t> wanted{0};  // what the loops return goes somewhere, so that they are run
  const auto loops = read_loops(level);
  std::vector<std::vector<double>> rates(loops.size());
  const auto start = Clock::now();
  for (int round = 0; round < 3 || seconds_since(start) < kReadSeconds; ++round) {
    for (std::size_t i = 0; i < loops.size(); ++i) {
      const auto begin = Clock::now();
      share_parts(pool, data, [&](const std::uint64_t* part) { wanted += loops[i](part, kPart / 8); });
      rates[i].push_back(static_cast<double>(kBytes) / seconds_since(begin));
    }
  }
  double best = 0;
  for (const auto& each : rates) best = std::max(best, median(each));
  return best;
}

double measure_dot_limit(DotOperand operand, int threads, IsaLevel level) {
  ThreadPool pool(threads);
  const DotLoop& dot = dot_loop(operand, level);
  constexpr std::int64_t kRounds = std::int64_t{1} << 20;
  std::atomic<std::uint64_t> wanted{0};
  double best = 0;
  const auto start = Clock::now();
  for (int i = 0; i < 3 || seconds_since(start) < kDotSeconds; ++i) {
    const auto begin = Clock::now();
    pool.run([&](int) { wanted += static_cast<std::uint64_t>(dot.run(kRounds)); });
    best = std::max(best,
                    static_cast<double>(kRounds * dot.operations_per_round * threads) / seconds_since(begin));
  }
  return best;
}

CpuLimits measure_cpu_limits(int threads, IsaLevel level) {
  return {measure_read_limit(threads, level), measure_dot_limit(DotOperand::int8, threads, level)};
}

}  // namespace lathe
