// Operands of benchmarks.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>

namespace lathe {

using AlignedBytes = std::unique_ptr<std::byte[], void (*)(std::byte*)>;

inline AlignedBytes allocate(std::size_t bytes) {
  constexpr std::align_val_t kAlignment{64};
  auto* data = static_cast<std::byte*>(::operator new(bytes + 64, kAlignment));
  std::memset(data, 0x2c, bytes + 64);  // as any factor a small number
  return {data, [](std::byte* pointer) { ::operator delete(pointer, kAlignment); }};
}

}  // namespace lathe
