#include "cpu/backend.h"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <mutex>
#include <thread>

#include "backend/dynamic_context.h"
#include "backend/host_context.h"
#include "base/error.h"
#include "base/thread_pool.h"
#include "cpu/kernels.h"

namespace lathe {
namespace {

constexpr std::size_t kPageBytes = 4096;
constexpr std::size_t kLargePageBytes = std::size_t{2} << 20;
constexpr std::size_t kWeightRegionBytes = std::size_t{32} << 20;
constexpr std::size_t kLeastLargePaged = std::size_t{64}
                                         << 10;  // of less, a large page would be mostly empty

void* map_pages(std::size_t bytes) {
  void* data =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (data == MAP_FAILED)
    throw Error(ErrorCode::resource_limit, "no memory for a buffer of " + std::to_string(bytes) + " bytes");
  return data;
}

/// Fresh memory at the start of a large page, for which the system is asked to use such pages.
struct LargePages {
  explicit LargePages(std::size_t wanted) : bytes(wanted), mapped_bytes(wanted + kLargePageBytes) {
    mapped = static_cast<std::byte*>(map_pages(mapped_bytes));
    const std::size_t behind = reinterpret_cast<std::uintptr_t>(mapped) % kLargePageBytes;
    first = mapped + (behind == 0 ? 0 : kLargePageBytes - behind);
    ::madvise(first, bytes, MADV_HUGEPAGE);  // a wish: where it is refused, small pages serve
  }
  ~LargePages() { ::munmap(mapped, mapped_bytes); }
  LargePages(const LargePages&) = delete;
  LargePages& operator=(const LargePages&) = delete;

  std::size_t bytes;
  std::size_t mapped_bytes;
  std::byte* mapped;
  std::byte* first;
};

class CpuBackend final : public Backend {
 public:
  CpuBackend(int threads, IsaLevel level)
      : pool_(std::make_shared<ThreadPool>(threads)), kernels_(cpu_kernels(level)) {}

  std::string_view name() const override { return "cpu"; }

  // Fresh anonymous pages: zeroed, aligned, and without cost until they are touched.
  Buffer allocate(std::size_t bytes) override {
    if (bytes == 0) return {};
    return {map_pages(bytes), bytes, true, [](void* address, std::size_t size) { ::munmap(address, size); }};
  }

  // Every step reads all weights: on pages of 4 KiB it misses the address translation once per page.
  Buffer allocate_weight(std::size_t bytes) override {
    if (bytes < kLeastLargePaged) return allocate(bytes);
    const std::size_t whole = (bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
    const std::scoped_lock lock(weights_mutex_);
    if (weights_ == nullptr || weights_->bytes - weights_taken_ < whole) {
      weights_ = std::make_shared<LargePages>(std::max(whole, kWeightRegionBytes));
      weights_taken_ = 0;
    }
    void* const data = weights_->first + weights_taken_;
    weights_taken_ += whole;
    // The region lives as long as the release function.
    return Buffer(data, bytes, true, [kept = weights_](void*, std::size_t) {});
  }

  std::optional<Buffer> share(std::span<const std::byte> host, std::shared_ptr<const void> owner) override {
    // The owner lives as long as the release function. Kernels never write to weights.
    return Buffer(const_cast<std::byte*>(host.data()), host.size(), true,
                  [kept = std::move(owner)](void*, std::size_t) {});
  }

  void write(const Buffer& buffer, std::uint64_t offset, std::span<const std::byte> host) override {
    CHECK(offset <= buffer.bytes() && host.size() <= buffer.bytes() - offset);
    if (host.empty()) return;
    std::memcpy(static_cast<std::byte*>(buffer.data()) + offset, host.data(), host.size());
    to_device_ += host.size();
  }

  void read(const Buffer& buffer, std::uint64_t offset, std::span<std::byte> host) override {
    CHECK(offset <= buffer.bytes() && host.size() <= buffer.bytes() - offset);
    if (host.empty()) return;
    std::memcpy(host.data(), static_cast<const std::byte*>(buffer.data()) + offset, host.size());
    to_host_ += host.size();
  }

  Traffic traffic() const override { return {to_device_, to_host_}; }
  int threads() const override { return pool_->threads(); }
  std::span<const Kernel> kernels() const override { return kernels_; }

  std::unique_ptr<ExecutionContext> create_context(std::shared_ptr<const Plan> plan,
                                                   ContextOptions options) override {
    if (plan->dynamic) {
      auto own = options.own_threads != 0 ? std::make_shared<ThreadPool>(options.own_threads) : pool_;
      return std::make_unique<DynamicContext>(std::move(plan), std::move(own), *this, options.keep_tensors);
    }
    Buffer arena = arena_for(*plan, options, *this);
    auto pool = options.own_threads != 0 ? std::make_shared<ThreadPool>(options.own_threads) : pool_;
    return std::make_unique<HostContext>(std::move(plan), std::move(pool), std::move(arena), *this);
  }

 private:
  std::shared_ptr<ThreadPool> pool_;
  std::vector<Kernel> kernels_;
  std::mutex weights_mutex_;
  std::shared_ptr<LargePages> weights_;  // the region that is being filled
  std::size_t weights_taken_ = 0;        // bytes of it
  std::atomic<std::uint64_t> to_device_{0};
  std::atomic<std::uint64_t> to_host_{0};
};

}  // namespace

std::shared_ptr<Backend> make_cpu_backend(int threads, IsaLevel level) {
  const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  return std::make_shared<CpuBackend>(threads == 0 ? cores : threads, level);
}

}  // namespace lathe
