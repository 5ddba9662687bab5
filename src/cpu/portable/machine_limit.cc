// The machine's limits with what every compiler makes of plain loops. No kernels: nothing in a plan is
// measured by it.
#include "cpu/machine_limit.h"

#include <array>
#include <span>

#include "backend/kernel.h"

namespace lathe::portable {
namespace {

constexpr int kLanes = 64;

std::int32_t int8_rounds(std::int64_t rounds) {
  std::array<std::int16_t, kLanes> a;
  std::array<std::int16_t, kLanes> b;
  std::array<std::int32_t, kLanes / 2> sums{};
  for (int i = 0; i < kLanes; ++i) {
    a[static_cast<std::size_t>(i)] = static_cast<std::int16_t>(i);
    b[static_cast<std::size_t>(i)] = static_cast<std::int16_t>(64 - i);
  }
  for (std::int64_t round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < kLanes / 2; ++i) sums[i] += a[2 * i] * b[2 * i] + a[2 * i + 1] * b[2 * i + 1];
    a[static_cast<std::size_t>(round) % kLanes] ^= 1;  // keeps the loop from being computed ahead
  }
  std::int32_t total = 0;
  for (const auto sum : sums) total ^= sum;
  return total;
}

std::int32_t f32_rounds(std::int64_t rounds) {
  std::array<float, kLanes> sums{};
  float a = 0.5F;
  for (std::int64_t round = 0; round < rounds; ++round) {
    for (auto& sum : sums) sum = sum * a + 1;
    a = 0.75F - a / 2;  // the same again, which the compiler does not know
  }
  float total = 0;
  for (const auto sum : sums) total += sum;
  return static_cast<std::int32_t>(total);
}

std::uint64_t read(const std::uint64_t* data, std::int64_t words) {
  std::array<std::uint64_t, 8> sums{};
  for (std::int64_t i = 0; i < words; i += 8)
    for (std::size_t lane = 0; lane < 8; ++lane) sums[lane] ^= data[i + static_cast<std::int64_t>(lane)];
  std::uint64_t total = 0;
  for (const auto sum : sums) total ^= sum;
  return total;
}

}  // namespace

extern const DotLoop machine_limit_int8 = {int8_rounds, 2 * kLanes};
extern const DotLoop machine_limit_f32 = {f32_rounds, 2 * kLanes};
extern const ReadLoop machine_limit_reads[1] = {read};

std::span<const Kernel> machine_limit_kernels() { return {}; }

}  // namespace lathe::portable
