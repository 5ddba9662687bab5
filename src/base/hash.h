// XXH3, the hash of all checksums and keys that are written to files.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace lathe {

std::uint64_t hash64(std::span<const std::byte> bytes);
std::uint64_t hash64(std::string_view text);

using Hash128 = std::array<std::uint64_t, 2>;  // low, high
Hash128 hash128(std::span<const std::byte> bytes);
Hash128 hash128(std::string_view text);

/// 32 hexadecimal digits, the high half first.
std::string to_string(const Hash128& hash);

}  // namespace lathe
