// Memory of the CPU backend.
#include "cpu/backend.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace lathe::test {
namespace {

void fill(const Buffer& buffer, int value) { std::memset(buffer.data(), value, buffer.bytes()); }

bool holds(const Buffer& buffer, int value) {
  for (const std::byte byte : std::span(static_cast<const std::byte*>(buffer.data()), buffer.bytes()))
    if (byte != static_cast<std::byte>(value)) return false;
  return true;
}

TEST(CpuBackend, KeepsEachWeightWhileOthersComeAndGo) {
  auto backend = make_cpu_backend(1, IsaLevel::portable);
  std::vector<Buffer> weights;
  // Less than a large page, more than what is taken from the system at once, and all that lies between.
  for (const std::size_t bytes : {100u, 70'001u, 3'000'000u, 40'000'000u, 65'536u, 20'000'000u, 20'000'000u})
    weights.push_back(backend->allocate_weight(bytes));
  for (std::size_t i = 0; i < weights.size(); ++i) {
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(weights[i].data()) % 64, 0u);
    fill(weights[i], static_cast<int>(i + 1));
  }
  weights.erase(weights.begin() + 1, weights.begin() + 4);
  backend.reset();
  EXPECT_TRUE(holds(weights[0], 1));
  for (std::size_t i = 1; i < weights.size(); ++i) EXPECT_TRUE(holds(weights[i], static_cast<int>(i + 4)));
}

TEST(CpuBackend, GivesWeightsOfNoBytesNoMemory) {
  const auto backend = make_cpu_backend(1, IsaLevel::portable);
  EXPECT_EQ(backend->allocate_weight(0).bytes(), 0u);
}

}  // namespace
}  // namespace lathe::test
