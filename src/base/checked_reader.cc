#include "base/checked_reader.h"

namespace lathe {

std::span<const std::byte> CheckedReader::take(std::uint64_t count, std::string_view what) {
  if (count > left())
    fail("the file ends inside " + std::string(what) + ": " + std::to_string(count) + " bytes needed, " +
         std::to_string(left()) + " left");
  const auto part = bytes_.subspan(offset_, count);
  offset_ += count;
  return part;
}

std::size_t CheckedReader::require_records(std::uint64_t count, std::uint64_t record_bytes,
                                           std::string_view what) {
  CHECK(record_bytes != 0);
  if (count > left() / record_bytes)
    fail(std::to_string(count) + " " + std::string(what) + " cannot fit in the " + std::to_string(left()) +
         " bytes left");
  return static_cast<std::size_t>(count);
}

void CheckedReader::seek(std::uint64_t offset, std::string_view what) {
  if (offset > bytes_.size()) fail(std::string(what) + " lies behind the end of the file");
  offset_ = offset;
}

void CheckedReader::fail(const std::string& message, std::string_view field) const {
  throw Error(ErrorCode::invalid_file, message,
              {file_, offset_, field.empty() ? field_ : std::string(field)});
}

}  // namespace lathe
