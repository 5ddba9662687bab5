#include "allocation_probe.h"

#include <atomic>
#include <cstdlib>
#include <new>

namespace lathe::test {
namespace {

std::atomic<bool> counting{false};
std::atomic<std::size_t> bytes_asked{0};
std::atomic<std::int64_t> attempts{0};
std::atomic<std::int64_t> made{0};
std::atomic<std::int64_t> freed{0};
std::atomic<std::int64_t> fail_index{-1};

void* allocate(std::size_t bytes) {
  if (counting) {
    bytes_asked += bytes;
    if (attempts++ == fail_index) throw std::bad_alloc();
  }
  void* address = std::malloc(bytes == 0 ? 1 : bytes);
  if (address == nullptr) throw std::bad_alloc();
  if (counting) ++made;
  return address;
}

void release(void* address) {
  if (counting && address != nullptr) ++freed;
  std::free(address);
}

}  // namespace

AllocationProbe::AllocationProbe() {
  bytes_asked = 0;
  attempts = 0;
  made = 0;
  freed = 0;
  fail_index = -1;
  counting = true;
}
AllocationProbe::~AllocationProbe() { counting = false; }
void AllocationProbe::fail_at(std::int64_t index) const { fail_index = attempts + index; }
std::size_t AllocationProbe::allocated_bytes() const { return bytes_asked; }
std::int64_t AllocationProbe::allocations() const { return attempts; }
std::int64_t AllocationProbe::live() const { return made - freed; }

}  // namespace lathe::test

void* operator new(std::size_t bytes) { return lathe::test::allocate(bytes); }
void* operator new[](std::size_t bytes) { return lathe::test::allocate(bytes); }
void operator delete(void* address) noexcept { lathe::test::release(address); }
void operator delete[](void* address) noexcept { lathe::test::release(address); }
void operator delete(void* address, std::size_t) noexcept { lathe::test::release(address); }
void operator delete[](void* address, std::size_t) noexcept { lathe::test::release(address); }
