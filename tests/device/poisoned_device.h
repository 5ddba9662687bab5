// A device whose memory the host cannot touch: every buffer is inaccessible except while a plan runs or a
// copy is made, and fresh memory holds NaN. Kernels are the portable ones.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "backend/backend.h"
#include "base/thread_pool.h"

namespace lathe {

class PoisonedDevice final : public Backend {
 public:
  explicit PoisonedDevice(int threads);
  ~PoisonedDevice() override;

  std::string_view name() const override { return "poisoned"; }
  Buffer allocate(std::size_t bytes) override;
  std::optional<Buffer> share(std::span<const std::byte>, std::shared_ptr<const void>) override {
    return std::nullopt;
  }
  void write(const Buffer& buffer, std::uint64_t offset, std::span<const std::byte> host) override;
  void read(const Buffer& buffer, std::uint64_t offset, std::span<std::byte> host) override;
  Traffic traffic() const override { return {to_device_, to_host_}; }
  std::span<const Kernel> kernels() const override { return kernels_; }
  std::unique_ptr<ExecutionContext> create_context(std::shared_ptr<const Plan> plan,
                                                   ContextOptions options) override;

  /// Host memory, whole pages, that must not be readable while a plan runs (the mapped model file).
  void hide_during_runs(std::span<const std::byte> host);

  /// Makes all buffers accessible, or none; hidden host memory the other way round.
  void open();
  void close();

  std::vector<std::uint64_t> write_sizes() const;  // of each copy to the device, in order
  std::vector<std::uint64_t> read_sizes() const;

 private:
  void protect_all(int buffers, int hidden);

  std::shared_ptr<ThreadPool> pool_;
  std::vector<Kernel> kernels_;
  mutable std::mutex mutex_;
  std::map<void*, std::size_t> buffers_;
  std::vector<std::span<const std::byte>> hidden_;
  std::atomic<std::uint64_t> to_device_{0};
  std::atomic<std::uint64_t> to_host_{0};
  std::vector<std::uint64_t> write_sizes_;
  std::vector<std::uint64_t> read_sizes_;
};

}  // namespace lathe
