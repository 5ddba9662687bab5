#include "base/thread_pool.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <numeric>
#include <thread>

#include "base/error.h"

namespace lathe {
namespace {

class ThreadPoolTest : public testing::TestWithParam<int> {};

TEST_P(ThreadPoolTest, RunsEachThreadOnceEachTime) {
  ThreadPool pool(GetParam());
  ASSERT_EQ(pool.threads(), GetParam());
  const auto caller = std::this_thread::get_id();
  std::vector<int> runs(static_cast<std::size_t>(GetParam()));  // not atomic: run() must order them
  for (int i = 1; i <= 1000; ++i) {
    pool.run([&](int thread) {
      ++runs[static_cast<std::size_t>(thread)];
      if ((thread == 0) != (std::this_thread::get_id() == caller)) runs[0] = -1000000;
    });
    for (const int count : runs) ASSERT_EQ(count, i);
  }
}

TEST_P(ThreadPoolTest, BarriersSeparatePhases) {
  const auto threads = static_cast<std::size_t>(GetParam());
  ThreadPool pool(GetParam());
  constexpr int kPhases = 40;
  for (int repeat = 0; repeat < 25; ++repeat) {
    std::vector<int> values(threads, 1);  // each thread writes its own and reads its neighbour's
    std::vector<int> wrong(threads, 0);
    pool.run([&](int thread) {
      const auto self = static_cast<std::size_t>(thread);
      for (int phase = 1; phase <= kPhases; ++phase) {
        const int neighbour = values[(self + 1) % threads];
        pool.barrier();
        wrong[self] += neighbour != phase;
        values[self] = phase + 1;
        pool.barrier();
      }
    });
    ASSERT_EQ(std::accumulate(wrong.begin(), wrong.end(), 0), 0);
    for (const int value : values) ASSERT_EQ(value, kPhases + 1);
  }
}

TEST_P(ThreadPoolTest, BarriersHoldUnderUnevenLoad) {
  ThreadPool pool(GetParam());
  std::atomic<int> arrived{0};
  std::atomic<int> wrong{0};
  constexpr int kPhases = 30;
  pool.run([&](int thread) {
    for (int phase = 0; phase < kPhases; ++phase) {
      // Long enough that the others leave their spinning and sleep.
      if (phase % pool.threads() == thread) std::this_thread::sleep_for(std::chrono::microseconds(300));
      arrived.fetch_add(1);
      pool.barrier();
      if (arrived.load() < (phase + 1) * pool.threads()) ++wrong;
      pool.barrier();
    }
  });
  EXPECT_EQ(wrong.load(), 0);
  EXPECT_EQ(arrived.load(), kPhases * pool.threads());
}

TEST_P(ThreadPoolTest, RunsWhileOthersLoadTheMachine) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> load;
  for (int i = 0; i < 4; ++i)
    load.emplace_back([&stop] {
      while (!stop.load(std::memory_order_relaxed)) {
      }
    });
  std::atomic<int> sum{0};
  {
    ThreadPool pool(GetParam());
    for (int i = 0; i < 20; ++i)
      pool.run([&](int) {
        sum.fetch_add(1);
        pool.barrier();
        sum.fetch_add(1);
      });
  }
  stop = true;
  for (auto& thread : load) thread.join();
  EXPECT_EQ(sum.load(), 40 * GetParam());
}

TEST_P(ThreadPoolTest, WakesFromSleep) {
  ThreadPool pool(GetParam());
  int done = 0;
  for (int i = 0; i < 20; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    std::atomic<int> count{0};
    pool.run([&](int) { count.fetch_add(1); });
    done += count.load() == GetParam();
  }
  EXPECT_EQ(done, 20);
}

TEST_P(ThreadPoolTest, EndsWithoutHavingRun) {
  for (int i = 0; i < 50; ++i) const ThreadPool pool(GetParam());
}

TEST_P(ThreadPoolTest, RunsOnTheFirstFewAlone) {
  ThreadPool pool(GetParam());
  for (int repeat = 0; repeat < 200; ++repeat)
    for (int wanted = 0; wanted <= GetParam() + 1; ++wanted) {
      std::vector<int> runs(static_cast<std::size_t>(GetParam()), 0);
      pool.run(
          [&](int thread) {
            ++runs[static_cast<std::size_t>(thread)];
            pool.barrier();
          },
          wanted);
      for (int i = 0; i < GetParam(); ++i)
        ASSERT_EQ(runs[static_cast<std::size_t>(i)], wanted == 0 || i < wanted ? 1 : 0);
    }
}

TEST_P(ThreadPoolTest, CallersTakeTurns) {
  ThreadPool pool(GetParam());
  int inside = 0;  // not atomic: the pool must order them
  int wrong = 0;
  const auto call = [&] {
    for (int i = 0; i < 200; ++i)
      pool.run([&](int thread) {
        if (thread == 0) wrong += inside++ != 0;
        pool.barrier();
        if (thread == 0) --inside;
      });
  };
  std::vector<std::thread> callers;
  for (int i = 0; i < 3; ++i) callers.emplace_back(call);
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(wrong, 0);
}

INSTANTIATE_TEST_SUITE_P(Threads, ThreadPoolTest, testing::Range(1, 5));

TEST(ThreadPool, RefusesImpossibleCounts) {
  for (const int threads : {0, -1, 1025, 2147483647}) {
    try {
      const ThreadPool pool(threads);
      ADD_FAILURE() << "nothing was thrown for " << threads;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    }
  }
}

TEST(ThreadPool, SleepsWhileIdle) {
  ThreadPool pool(4);
  pool.run([](int) {});
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  const auto used = [] {
    timespec time{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
  };
  const auto before = used();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_LT(used() - before, std::chrono::milliseconds(20));
}

/// Leaves the process room for some stacks, and ends it with 0 where a large pool is then the right Error.
[[noreturn]] void start_too_many_threads() {
  std::uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  const auto bytes = pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) + (std::uint64_t{256} << 20);
  const rlimit limit{bytes, bytes};
  if (::setrlimit(RLIMIT_AS, &limit) != 0) ::_exit(3);
  try {
    const ThreadPool pool(1024);
  } catch (const Error& error) {
    ::_exit(error.code() == ErrorCode::resource_limit ? 0 : 2);
  }
  ::_exit(1);
}

TEST(ThreadPool, IsAnErrorWhereTheSystemHasNoMoreThreads) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(start_too_many_threads(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace lathe
