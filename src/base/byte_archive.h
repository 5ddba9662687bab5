// Values one behind the other, little-endian, without padding. The same function describes a record to both
// archives, so that what is written is what is read:
//   template <class Archive> void describe(Archive& archive, Record& record) {
//     archive.number(record.count, "count");
//     archive.text(record.name, "name");
//   }
//   number  its bytes           flag   u8, 0 or 1
//   choice  u8, below a bound   text   u32 bytes, then these
//   list    u32 items, then these
#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/checked_reader.h"
#include "base/error.h"

namespace lathe {

static_assert(std::endian::native == std::endian::little, "files have the byte order of this machine");

class ArchiveWriter {
 public:
  static constexpr bool kReads = false;

  template <class T>
  void number(const T& value, std::string_view) {
    static_assert(std::is_arithmetic_v<T> && !std::is_same_v<T, bool>);
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void flag(bool value, std::string_view what) { number(static_cast<std::uint8_t>(value), what); }
  template <class T>
  void choice(const T& value, std::size_t, std::string_view what) {
    number(static_cast<std::uint8_t>(value), what);
  }
  void text(std::string_view value, std::string_view what) {
    count(value.size(), what);
    bytes_.append(value);
  }
  /// `each` describes one item; `least_bytes` is what the smallest one takes.
  template <class Items, class Each>
  void list(Items& items, std::size_t /*least_bytes*/, std::string_view what, Each each) {
    count(items.size(), what);
    for (auto& item : items) each(item);
  }
  template <class T>
  void numbers(const std::vector<T>& values, std::string_view what) {
    count(values.size(), what);
    raw(std::as_bytes(std::span(values)));
  }
  void raw(std::span<const std::byte> bytes) {
    bytes_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  /// Zeros up to a multiple of `alignment`.
  void align(std::size_t alignment) {
    bytes_.resize((bytes_.size() + alignment - 1) / alignment * alignment, '\0');
  }

  std::string take() { return std::move(bytes_); }

 private:
  void count(std::size_t items, std::string_view what) {
    if (items > 0xFFFFFFFFu)
      throw Error(ErrorCode::resource_limit, std::string(what) + " are too many for a file");
    number(static_cast<std::uint32_t>(items), what);
  }
  std::string bytes_;
};

class ArchiveReader {
 public:
  static constexpr bool kReads = true;

  /// Errors are Error(invalid_file) with the offset in `bytes` and `what` is read.
  ArchiveReader(std::span<const std::byte> bytes, std::string file, std::string_view section)
      : reader_(bytes, std::move(file)) {
    reader_.set_field(section);
  }

  template <class T>
  void number(T& value, std::string_view what) {
    value = reader_.read<T>(what);
  }
  void flag(bool& value, std::string_view what) {
    const auto stored = reader_.read<std::uint8_t>(what);
    if (stored > 1) fail(std::string(what) + " is neither 0 nor 1");
    value = stored == 1;
  }
  template <class T>
  void choice(T& value, std::size_t bound, std::string_view what) {
    const auto stored = reader_.read<std::uint8_t>(what);
    if (stored >= bound) fail(std::string(what) + " is " + std::to_string(stored) + ", which is not known");
    value = static_cast<T>(stored);
  }
  void text(std::string& value, std::string_view what) { value = view(what); }
  /// A text where it lies.
  std::string_view view(std::string_view what) {
    const auto bytes = reader_.take(reader_.read<std::uint32_t>(what), what);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  template <class Items, class Each>
  void list(Items& items, std::size_t least_bytes, std::string_view what, Each each) {
    const std::size_t items_left = count(least_bytes, what);
    items.clear();
    items.reserve(items_left);
    for (std::size_t i = 0; i < items_left; ++i) each(items.emplace_back());
  }
  template <class T>
  void numbers(std::vector<T>& values, std::string_view what) {
    values.resize(count(sizeof(T), what));
    const auto bytes = reader_.take(values.size() * sizeof(T), what);
    if (!bytes.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  }
  /// `items` numbers where they lie, which is a multiple of their size in the file.
  template <class T>
  std::span<const T> view_numbers(std::uint64_t items, std::string_view what) {
    const auto bytes = reader_.take(reader_.require_records(items, sizeof(T), what) * sizeof(T), what);
    if (reinterpret_cast<std::uintptr_t>(bytes.data()) % alignof(T) != 0)
      fail(std::string(what) + " are not aligned");
    return {reinterpret_cast<const T*>(bytes.data()), static_cast<std::size_t>(items)};
  }
  void align(std::size_t alignment) {
    const auto past = static_cast<std::size_t>(reader_.offset() % alignment);
    if (past == 0) return;
    for (const auto byte : reader_.take(alignment - past, "padding"))
      if (byte != std::byte{0}) fail("padding is not zero");
  }
  void end() const {
    if (reader_.left() != 0) fail(std::to_string(reader_.left()) + " bytes are left over");
  }
  [[noreturn]] void fail(const std::string& message) const { reader_.fail(message); }

 private:
  std::size_t count(std::size_t least_bytes, std::string_view what) {
    return reader_.require_records(reader_.read<std::uint32_t>(what), least_bytes, what);
  }
  CheckedReader reader_;
};

}  // namespace lathe
