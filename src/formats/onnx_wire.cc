#include "formats/onnx_wire.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "text/utf8.h"

namespace lathe::onnx {
namespace {

enum : int { kVarint = 0, kFixed64 = 1, kLength = 2, kFixed32 = 5 };

}  // namespace

WireMessage::WireMessage(const WireFile& file, std::span<const std::byte> bytes, int depth)
    : file_(&file),
      begin_(bytes.data()),
      end_(bytes.data() + bytes.size()),
      at_(begin_),
      field_begin_(begin_),
      depth_(depth) {}

void WireMessage::fail(const std::string& message, std::string_view place) const {
  throw Error(ErrorCode::invalid_file, message, {file_->name, field_offset(), printable(place)});
}

std::uint64_t WireMessage::take_varint(const std::byte*& at, const std::byte* end,
                                       std::string_view what) const {
  constexpr int kMaxBytes = 10;
  std::uint64_t value = 0;
  for (int i = 0; i < kMaxBytes; ++i) {
    if (at == end) fail("the data ends inside a number of " + std::string(what));
    const auto byte = std::to_integer<std::uint64_t>(*at++);
    if (i == kMaxBytes - 1 && byte > 1) break;
    value |= (byte & 0x7f) << (7 * i);
    if (byte < 0x80) return value;
  }
  fail("a number of " + std::string(what) + " has more than 64 bits");
}

bool WireMessage::next() {
  if (field_ != 0 && field_ < 64) seen_ |= std::uint64_t{1} << field_;
  if (at_ == end_) return false;
  field_begin_ = at_;
  const std::uint64_t tag = take_varint(at_, end_, "the message");
  if (tag >> 3 == 0 || tag >> 32 != 0)
    fail("the field number " + std::to_string(tag >> 3) + " does not exist");
  field_ = static_cast<std::uint32_t>(tag >> 3);
  type_ = static_cast<int>(tag & 7);
  std::uint64_t length = 0;
  switch (type_) {
    case kVarint:
      value_ = take_varint(at_, end_, "a field");
      break;
    case kFixed64:
      length = 8;
      break;
    case kFixed32:
      length = 4;
      break;
    case kLength:
      length = take_varint(at_, end_, "the length of a field");
      break;
    default:
      fail("field " + std::to_string(field_) + " has the wire type " + std::to_string(type_));
  }
  const auto left = static_cast<std::uint64_t>(end_ - at_);
  if (length > left)
    fail("field " + std::to_string(field_) + " has " + std::to_string(length) + " bytes, and " +
         std::to_string(left) + " are left");
  payload_ = {at_, static_cast<std::size_t>(length)};
  at_ += length;
  return true;
}

void WireMessage::require_once(std::string_view what) const {
  if (field_ < 64 && (seen_ >> field_ & 1) != 0) fail(std::string(what) + " occurs twice");
}

void WireMessage::require_type(int type, std::string_view what) const {
  if (type_ != type)
    fail(std::string(what) + " has the wire type " + std::to_string(type_) + " and not " +
         std::to_string(type));
}

std::int64_t WireMessage::integer(std::string_view what) {
  require_once(what);
  require_type(kVarint, what);
  return static_cast<std::int64_t>(value_);
}

float WireMessage::real(std::string_view what) {
  require_once(what);
  require_type(kFixed32, what);
  float value = 0;
  std::memcpy(&value, payload_.data(), sizeof(value));
  return value;
}

std::string WireMessage::text(std::string_view what) {
  require_once(what);
  return text_item(what);
}

std::span<const std::byte> WireMessage::bytes(std::string_view what) {
  require_once(what);
  return bytes_item(what);
}

WireMessage WireMessage::message(std::string_view what) {
  require_once(what);
  return message_item(what);
}

std::string WireMessage::text_item(std::string_view what) const {
  require_type(kLength, what);
  if (payload_.size() > kMaxTextBytes)
    fail(std::string(what) + " has " + std::to_string(payload_.size()) + " bytes, over the limit of " +
         std::to_string(kMaxTextBytes));
  const std::string_view text(reinterpret_cast<const char*>(payload_.data()), payload_.size());
  if (!is_utf8(text)) fail(std::string(what) + " is not UTF-8", text);
  return std::string(text);
}

std::span<const std::byte> WireMessage::bytes_item(std::string_view what) const {
  require_type(kLength, what);
  return payload_;
}

WireMessage WireMessage::message_item(std::string_view what) const {
  require_type(kLength, what);
  if (depth_ + 1 > kMaxDepth) fail("messages lie more than " + std::to_string(kMaxDepth) + " deep");
  return {*file_, payload_, depth_ + 1};
}

bool WireMessage::is_number() const { return type_ == kVarint; }

std::span<const std::byte> WireMessage::packed_integers(std::string_view what) const {
  require_type(kLength, what);
  return payload_;
}

std::size_t WireMessage::integer_count(std::string_view what) const {
  if (is_number()) return 1;
  const auto packed = packed_integers(what);
  // The last byte of each number, and no other, is below 0x80.
  return static_cast<std::size_t>(std::count_if(
      packed.begin(), packed.end(), [](std::byte byte) { return std::to_integer<int>(byte) < 0x80; }));
}

void WireMessage::append_integers(std::vector<std::int64_t>& values, std::string_view what) const {
  const std::size_t needed = values.size() + integer_count(what);
  if (needed > values.capacity()) values.reserve(std::max(needed, 2 * values.capacity()));
  each_integer(what, [&](std::int64_t value) { values.push_back(value); });
}

void WireMessage::append_reals(std::vector<float>& values, std::string_view what) const {
  const auto bytes = fixed_item(sizeof(float), what);
  const std::size_t before = values.size();
  values.resize(before + bytes.size() / sizeof(float));
  if (!bytes.empty()) std::memcpy(values.data() + before, bytes.data(), bytes.size());
}

std::span<const std::byte> WireMessage::fixed_item(std::size_t width, std::string_view what) const {
  if (type_ == (width == 4 ? kFixed32 : kFixed64)) return payload_;
  require_type(kLength, what);
  if (payload_.size() % width != 0)
    fail(std::string(what) + " has " + std::to_string(payload_.size()) +
         " bytes, which are not whole numbers");
  return payload_;
}

std::size_t WireMessage::count(std::uint32_t field) const {
  WireMessage ahead(*file_, {begin_, end_}, depth_);
  std::size_t count = 0;
  while (ahead.next()) count += ahead.field_ == field ? 1 : 0;
  return count;
}

}  // namespace lathe::onnx
