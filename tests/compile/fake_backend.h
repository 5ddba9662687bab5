// A device whose kernels compute nothing and take a known time by a clock of their own.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "backend/host_context.h"

namespace lathe::fake {

/// Microseconds that kernels have taken; contexts of these tests run on one thread.
inline std::int64_t& clock() {
  static std::int64_t microseconds = 0;
  return microseconds;
}
inline double seconds() { return static_cast<double>(clock()) * 1e-6; }

/// A kernel that takes kFixed + kPerRow * rows + kPerVariant * variant.
template <int kFixed, int kPerRow = 0, int kPerVariant = 0>
void spend(const KernelCall& call) {
  const auto rows = call.inputs[0].rank == 0 ? 1 : call.inputs[0].dims[0];
  clock() += kFixed + kPerRow * rows + kPerVariant * call.variant;
}

class Device final : public Backend {
 public:
  explicit Device(std::vector<Kernel> kernels, int threads = 1)
      : kernels_(std::move(kernels)), pool_(std::make_shared<ThreadPool>(1)), threads_(threads) {}

  std::string_view name() const override { return "fake"; }
  Buffer allocate(std::size_t bytes) override {
    return {std::aligned_alloc(64, (bytes + 63) / 64 * 64 + 64), bytes, true,
            [](void* data, std::size_t) { std::free(data); }};
  }
  std::optional<Buffer> share(std::span<const std::byte>, std::shared_ptr<const void>) override { return {}; }
  void write(const Buffer& buffer, std::uint64_t offset, std::span<const std::byte> host) override {
    if (!host.empty()) std::memcpy(static_cast<std::byte*>(buffer.data()) + offset, host.data(), host.size());
  }
  void read(const Buffer& buffer, std::uint64_t offset, std::span<std::byte> host) override {
    std::memcpy(host.data(), static_cast<const std::byte*>(buffer.data()) + offset, host.size());
  }
  Traffic traffic() const override { return {}; }
  int threads() const override { return threads_; }
  std::span<const Kernel> kernels() const override { return kernels_; }
  std::unique_ptr<ExecutionContext> create_context(std::shared_ptr<const Plan> plan,
                                                   ContextOptions = {}) override {
    Buffer arena = allocate(plan->arena_bytes());
    return std::make_unique<HostContext>(std::move(plan), pool_, std::move(arena), *this);
  }

 private:
  std::vector<Kernel> kernels_;
  std::shared_ptr<ThreadPool> pool_;
  int threads_;
};

}  // namespace lathe::fake
