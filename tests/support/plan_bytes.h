// A plan file's bytes with fields changed and its checksums made right again, as a forger would.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/hash.h"

namespace lathe::test {

class PlanBytes {
 public:
  explicit PlanBytes(std::string bytes) : bytes_(std::move(bytes)) {}

  std::size_t data_start() const { return number<std::uint64_t>(24); }

  template <class T>
  T number(std::size_t at) const {
    T value;
    std::memcpy(&value, bytes_.data() + at, sizeof value);
    return value;
  }

  template <class T>
  std::string with_number(std::size_t at, T value) const {
    std::string changed = bytes_;
    std::memcpy(changed.data() + at, &value, sizeof value);
    return sealed(std::move(changed));
  }

  std::string with_text(std::size_t at, std::string_view text, std::size_t field) const {
    std::string changed = bytes_;
    changed.replace(at, field, std::string(text) + std::string(field - text.size(), '\0'));
    return sealed(std::move(changed));
  }

  /// With the checksums of metadata and header as they must be.
  static std::string sealed(std::string bytes) {
    constexpr std::size_t kHeader = 144;
    const std::size_t start = PlanBytes(bytes).data_start();
    const auto put = [&](std::size_t at, std::uint64_t hash) {
      std::memcpy(bytes.data() + at, &hash, sizeof hash);
    };
    if (start >= kHeader && start <= bytes.size())
      put(128, hash64(std::string_view(bytes).substr(kHeader, start - kHeader)));
    put(136, hash64(std::string_view(bytes).substr(0, 136)));
    return bytes;
  }

 private:
  std::string bytes_;
};

}  // namespace lathe::test
