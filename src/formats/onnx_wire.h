// Protocol buffers' wire format, read field by field where it lies. A message is a row of fields:
//
//   varint: number << 3 | wire type      field numbers from 1, at most 2^29 - 1
//   0  varint                            7 bits a byte, low ones first; at most 10 bytes, 64 bits
//   1  8 bytes, 5  4 bytes               little-endian
//   2  varint n, then n bytes            texts, bytes, messages, and lists of numbers ("packed")
//   3, 4 (groups), 6, 7                  refused
//
// Fields may come in any order. Those that occur once at most are refused the second time: which of two
// counts is a matter on which readers differ.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lathe::onnx {

/// The file that messages lie in; it must outlive them.
struct WireFile {
  std::string name;
  std::span<const std::byte> bytes;
};

/// One message, read forward; owns nothing and allocates nothing. Every failure is Error(invalid_file) with
/// file and offset; `what` names the part that is read.
class WireMessage {
 public:
  static constexpr int kMaxDepth = 128;  // messages inside each other
  static constexpr std::uint64_t kMaxTextBytes = 65'536;

  explicit WireMessage(const WireFile& file) : WireMessage(file, file.bytes, 0) {}

  /// Goes to the next field, past what was not read of this one; false at the end.
  bool next();
  std::uint32_t field() const { return field_; }

  // The field's value; it may occur once.
  std::int64_t integer(std::string_view what);  // int64, int32 and enumerations
  float real(std::string_view what);
  std::string text(std::string_view what);  // UTF-8 of at most kMaxTextBytes
  std::span<const std::byte> bytes(std::string_view what);
  WireMessage message(std::string_view what);

  // An element of a field that is a list.
  std::string text_item(std::string_view what) const;
  std::span<const std::byte> bytes_item(std::string_view what) const;
  WireMessage message_item(std::string_view what) const;
  // Numbers: one, or several where they are packed.
  void append_integers(std::vector<std::int64_t>& values, std::string_view what) const;
  void append_reals(std::vector<float>& values, std::string_view what) const;
  /// Calls take(std::int64_t) for each.
  template <class Take>
  void each_integer(std::string_view what, const Take& take) const {
    if (is_number()) return take(static_cast<std::int64_t>(value_));
    const auto packed = packed_integers(what);
    const std::byte* at = packed.data();
    while (at != packed.data() + packed.size())
      take(static_cast<std::int64_t>(take_varint(at, packed.data() + packed.size(), what)));
  }
  std::size_t integer_count(std::string_view what) const;
  /// The bytes of numbers of 4 or 8 bytes each.
  std::span<const std::byte> fixed_item(std::size_t width, std::string_view what) const;

  /// How often a field stands ahead of the first next(): what may be reserved.
  std::size_t count(std::uint32_t field) const;

  std::uint64_t offset() const { return offset_of(begin_); }  // of the message in the file
  std::uint64_t field_offset() const { return offset_of(field_begin_); }
  std::span<const std::byte> all_bytes() const { return {begin_, end_}; }
  const WireFile& file() const { return *file_; }

  /// At the field.
  [[noreturn]] void fail(const std::string& message, std::string_view place = {}) const;

 private:
  WireMessage(const WireFile& file, std::span<const std::byte> bytes, int depth);
  std::uint64_t offset_of(const std::byte* at) const {
    return static_cast<std::uint64_t>(at - file_->bytes.data());
  }
  std::uint64_t take_varint(const std::byte*& at, const std::byte* end, std::string_view what) const;
  void require_once(std::string_view what) const;
  void require_type(int type, std::string_view what) const;
  bool is_number() const;
  std::span<const std::byte> packed_integers(std::string_view what) const;

  const WireFile* file_;
  const std::byte* begin_;
  const std::byte* end_;
  const std::byte* at_;           // the next field
  const std::byte* field_begin_;  // with its number
  std::span<const std::byte> payload_;
  std::uint64_t value_ = 0;  // of a varint
  std::uint64_t seen_ = 0;   // bit n: field n occurred
  std::uint32_t field_ = 0;
  int type_ = 0;
  int depth_;
};

}  // namespace lathe::onnx
