// Attention of one token dealt to threads by spans of its context: the bits of one thread, whatever the
// heads, the window and the place where the context ends.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <cmath>
#include <cstring>
#include <thread>

#include "backend/cache_layout.h"
#include "base/half.h"
#include "cpu/matmul_call.h"

namespace lathe::test {
namespace {

struct Step {
  std::int64_t heads, kv_heads, head_dim, window;
  std::int32_t past;
};

struct Meeting : StepMeeting {
  std::barrier<>* barrier;
  std::atomic<int>* arrivals;
};

void meet(const StepMeeting& meeting) {
  const auto& own = static_cast<const Meeting&>(meeting);
  ++*own.arrivals;
  own.barrier->arrive_and_wait();
}

/// `meetings`: how often the threads met.
std::vector<float> attend(const Kernel& kernel, const Step& step, int threads, int& meetings) {
  std::mt19937 random(7);
  const std::int64_t pages = step.past / kPageTokens + 1;
  const auto q = random_floats(static_cast<std::size_t>(step.heads * step.head_dim), random);
  const auto values = random_floats(
      static_cast<std::size_t>(pages * 2 * step.kv_heads * kPageTokens * step.head_dim), random);
  std::vector<std::uint16_t> cache;
  for (const float value : values) cache.push_back(float_to_bfloat(value));
  const SequenceEntry sequence{0, 1, step.past, 0};
  std::vector<std::int32_t> tables(static_cast<std::size_t>(pages));
  for (std::size_t i = 0; i < tables.size(); ++i)
    tables[i] = static_cast<std::int32_t>(tables.size() - 1 - i);
  std::vector<float> output(q.size());
  const auto argument = [](const void* data, Dtype dtype, std::initializer_list<std::int64_t> dims) {
    TensorArg result{const_cast<void*>(data),
                     {},
                     static_cast<std::int32_t>(dims.size()),
                     static_cast<std::int32_t>(dtype)};
    std::copy(dims.begin(), dims.end(), result.dims);
    return result;
  };
  const TensorArg inputs[4] = {
      argument(q.data(), Dtype::f32, {1, step.heads, step.head_dim}),
      argument(cache.data(), Dtype::bf16, {1, pages, 2, step.kv_heads, kPageTokens * step.head_dim}),
      argument(&sequence, Dtype::i32, {1, 4}), argument(tables.data(), Dtype::i32, {pages})};
  const TensorArg result = argument(output.data(), Dtype::f32, {1, step.heads, step.head_dim});
  AttributeValue attributes[5] = {};
  attributes[1].real = 1 / std::sqrt(static_cast<double>(step.head_dim));
  attributes[2].integer = step.window;
  attributes[4].integer = 1;
  KernelCall call{inputs, &result, attributes, nullptr, 4, 0, threads};
  const std::size_t bytes = (kernel.scratch_bytes(call) + 63) / 64 * 64;
  std::vector<std::byte> scratch(bytes * static_cast<std::size_t>(threads) + 64, std::byte{0xff});
  const auto beyond = reinterpret_cast<std::uintptr_t>(scratch.data()) % 64;
  std::atomic<int> arrivals{0};
  std::barrier<> barrier(threads);
  Meeting meeting;
  meeting.wait = meet;
  meeting.scratch_stride = static_cast<std::int64_t>(bytes);
  meeting.barrier = &barrier;
  meeting.arrivals = &arrivals;
  call.meeting = &meeting;
  std::vector<std::jthread> workers;
  for (int thread = 0; thread < threads; ++thread)
    workers.emplace_back([&, thread] {
      KernelCall own = call;
      own.thread = thread;
      own.scratch = scratch.data() + (64 - beyond) % 64 + bytes * static_cast<std::size_t>(thread);
      kernel.run(own);
    });
  workers.clear();
  meetings = arrivals / threads;
  return output;
}

TEST(AttentionSplit, GivesTheBitsOfOneThread) {
  for (const Step& step : {Step{9, 3, 64, 0, 0}, Step{9, 3, 64, 0, 255}, Step{9, 3, 64, 0, 256},
                           Step{9, 3, 64, 0, 2300}, Step{4, 1, 256, 0, 1500}, Step{4, 1, 256, 512, 1500},
                           Step{15, 5, 48, 300, 777}, Step{3, 3, 17, 0, 1000}}) {
    int meetings = 0;
    const auto expected = attend(kernel_named("portable.paged_attention.bf16"), step, 1, meetings);
    for (const std::string isa : {"avx2", "avx512bf16"}) {
      if (isa == "avx512bf16" && detected_isa() < IsaLevel::avx512bf16) continue;
      for (const int threads : {1, 2, 3, 4}) {
        const auto output = attend(kernel_named(isa + ".paged_attention.bf16"), step, threads, meetings);
        EXPECT_EQ(meetings, step.kv_heads % threads == 0 ? 0 : 1);
        ASSERT_EQ(0, std::memcmp(output.data(), expected.data(), expected.size() * sizeof(float)))
            << isa << ", " << threads << " threads, " << step.heads << " heads, past " << step.past;
      }
    }
  }
}

}  // namespace
}  // namespace lathe::test
