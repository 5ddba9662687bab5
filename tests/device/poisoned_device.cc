#include "device/poisoned_device.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "backend/host_context.h"
#include "base/error.h"
#include "cpu/kernels.h"

namespace lathe {
namespace {

constexpr int kPoison = 0xff;  // NaN in every float type, -1 in every integer type

std::size_t whole_pages(std::size_t bytes) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return (bytes + page - 1) / page * page;
}

class PoisonedContext final : public ExecutionContext {
 public:
  PoisonedContext(PoisonedDevice& device, std::unique_ptr<HostContext> inner)
      : device_(device), inner_(std::move(inner)) {}

  void bind(int binding, const Buffer& buffer, std::uint64_t offset) override {
    inner_->bind(binding, buffer, offset);
  }
  void run(std::span<const std::int64_t> symbols, std::uint32_t wanted_outputs) override {
    device_.open();
    inner_->run(symbols, wanted_outputs);
    device_.close();
  }
  void read_output(int output, std::span<std::byte> bytes) override { inner_->read_output(output, bytes); }

 private:
  PoisonedDevice& device_;
  std::unique_ptr<HostContext> inner_;
};

}  // namespace

PoisonedDevice::PoisonedDevice(int threads)
    : pool_(std::make_shared<ThreadPool>(threads)), kernels_(cpu_kernels(IsaLevel::portable)) {}

PoisonedDevice::~PoisonedDevice() = default;

Buffer PoisonedDevice::allocate(std::size_t bytes) {
  if (bytes == 0) return {};
  const std::size_t size = whole_pages(bytes);
  void* data = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(data != MAP_FAILED);
  std::memset(data, kPoison, size);
  CHECK(::mprotect(data, size, PROT_NONE) == 0);
  const std::scoped_lock lock(mutex_);
  buffers_[data] = size;
  return {data, bytes, false, [this, size](void* address, std::size_t) {
            const std::scoped_lock release_lock(mutex_);
            buffers_.erase(address);
            ::munmap(address, size);
          }};
}

void PoisonedDevice::write(const Buffer& buffer, std::uint64_t offset, std::span<const std::byte> host) {
  CHECK(offset <= buffer.bytes() && host.size() <= buffer.bytes() - offset);
  if (host.empty()) return;
  CHECK(::mprotect(buffer.data(), whole_pages(buffer.bytes()), PROT_READ | PROT_WRITE) == 0);
  std::memcpy(static_cast<std::byte*>(buffer.data()) + offset, host.data(), host.size());
  CHECK(::mprotect(buffer.data(), whole_pages(buffer.bytes()), PROT_NONE) == 0);
  to_device_ += host.size();
  const std::scoped_lock lock(mutex_);
  write_sizes_.push_back(host.size());
}

void PoisonedDevice::read(const Buffer& buffer, std::uint64_t offset, std::span<std::byte> host) {
  CHECK(offset <= buffer.bytes() && host.size() <= buffer.bytes() - offset);
  if (host.empty()) return;
  CHECK(::mprotect(buffer.data(), whole_pages(buffer.bytes()), PROT_READ) == 0);
  std::memcpy(host.data(), static_cast<const std::byte*>(buffer.data()) + offset, host.size());
  CHECK(::mprotect(buffer.data(), whole_pages(buffer.bytes()), PROT_NONE) == 0);
  to_host_ += host.size();
  const std::scoped_lock lock(mutex_);
  read_sizes_.push_back(host.size());
}

std::unique_ptr<ExecutionContext> PoisonedDevice::create_context(std::shared_ptr<const Plan> plan,
                                                                 ContextOptions options) {
  Buffer arena = arena_for(*plan, options, *this);
  return std::make_unique<PoisonedContext>(
      *this, std::make_unique<HostContext>(std::move(plan), pool_, std::move(arena), *this));
}

void PoisonedDevice::hide_during_runs(std::span<const std::byte> host) {
  const std::scoped_lock lock(mutex_);
  hidden_.push_back(host);
}

void PoisonedDevice::open() { protect_all(PROT_READ | PROT_WRITE, PROT_NONE); }
void PoisonedDevice::close() { protect_all(PROT_NONE, PROT_READ); }

void PoisonedDevice::protect_all(int buffers, int hidden) {
  const std::scoped_lock lock(mutex_);
  for (const auto& [data, size] : buffers_) CHECK(::mprotect(data, size, buffers) == 0);
  for (const auto& range : hidden_)
    CHECK(::mprotect(const_cast<std::byte*>(range.data()), whole_pages(range.size()), hidden) == 0);
}

std::vector<std::uint64_t> PoisonedDevice::write_sizes() const {
  const std::scoped_lock lock(mutex_);
  return write_sizes_;
}

std::vector<std::uint64_t> PoisonedDevice::read_sizes() const {
  const std::scoped_lock lock(mutex_);
  return read_sizes_;
}

}  // namespace lathe
