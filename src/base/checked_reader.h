// The one way in for bytes from outside: little-endian reads with bounds tested before anything is taken or
// allocated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/error.h"

namespace lathe {

/// Reads forward through `bytes`; owns nothing. Every failure is Error(invalid_file) with file and offset.
class CheckedReader {
 public:
  CheckedReader(std::span<const std::byte> bytes, std::string file) : bytes_(bytes), file_(std::move(file)) {}

  std::uint64_t offset() const { return offset_; }
  std::uint64_t left() const { return bytes_.size() - offset_; }
  const std::string& file() const { return file_; }

  /// One number; `what` names it in the error.
  template <class T>
  T read(std::string_view what) {
    static_assert(std::is_arithmetic_v<T> && !std::is_same_v<T, bool>);
    T value;
    std::memcpy(&value, take(sizeof(T), what).data(), sizeof(T));
    return value;
  }

  /// `count` bytes where they lie.
  std::span<const std::byte> take(std::uint64_t count, std::string_view what);

  /// `count` records of at least `record_bytes` each must still fit; returns count as size_t.
  std::size_t require_records(std::uint64_t count, std::uint64_t record_bytes, std::string_view what);

  void seek(std::uint64_t offset, std::string_view what);

  /// Errors from here on name `field`, the key or tensor that is being read, unless they name another.
  void set_field(std::string_view field) { field_ = field; }

  [[noreturn]] void fail(const std::string& message, std::string_view field = {}) const;

 private:
  std::span<const std::byte> bytes_;
  std::uint64_t offset_ = 0;
  std::string file_;
  std::string field_;
};

}  // namespace lathe
