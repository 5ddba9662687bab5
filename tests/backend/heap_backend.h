// A backend without kernels: plans of a test's own steps, in memory from the heap.
#pragma once

#include <cstdlib>
#include <cstring>
#include <memory>

#include "backend/host_context.h"

namespace lathe::test {

class HeapBackend final : public Backend {
 public:
  explicit HeapBackend(int threads) : pool_(std::make_shared<ThreadPool>(threads)) {}
  std::string_view name() const override { return "heap"; }
  Buffer allocate(std::size_t bytes) override {
    ++allocations;
    return {std::aligned_alloc(64, (bytes + 63) / 64 * 64), bytes, true,
            [](void* data, std::size_t) { std::free(data); }};
  }
  std::optional<Buffer> share(std::span<const std::byte>, std::shared_ptr<const void>) override {
    return std::nullopt;
  }
  void write(const Buffer& buffer, std::uint64_t offset, std::span<const std::byte> host) override {
    std::memcpy(static_cast<std::byte*>(buffer.data()) + offset, host.data(), host.size());
  }
  void read(const Buffer& buffer, std::uint64_t offset, std::span<std::byte> host) override {
    std::memcpy(host.data(), static_cast<const std::byte*>(buffer.data()) + offset, host.size());
  }
  Traffic traffic() const override { return {}; }
  std::span<const Kernel> kernels() const override { return {}; }
  std::unique_ptr<ExecutionContext> create_context(std::shared_ptr<const Plan> plan,
                                                   ContextOptions options = {}) override {
    Buffer arena = arena_for(*plan, options, *this);
    auto pool = options.own_threads != 0 ? std::make_shared<ThreadPool>(options.own_threads) : pool_;
    return std::make_unique<HostContext>(std::move(plan), std::move(pool), std::move(arena), *this);
  }
  std::atomic<int> allocations = 0;

 private:
  std::shared_ptr<ThreadPool> pool_;
};

}  // namespace lathe::test
