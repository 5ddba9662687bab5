#include "images/code_stream_size.h"

namespace lathe::images {
namespace {

constexpr std::string_view kName = "JPEG 2000";

/// A number whose first byte counts most, at an offset that is there.
template <std::size_t kBytes>
std::uint64_t big_endian(ImageBytes bytes, std::size_t offset) {
  std::uint64_t value = 0;
  for (const std::byte byte : bytes.subspan(offset, kBytes))
    value = value << 8 | std::to_integer<std::uint64_t>(byte);
  return value;
}

/// The code stream: the content of the box jp2c. A box: u32 bytes of all of it (1: u64 behind the name; 0: up
/// to the end), u32 name.
ImageBytes stream_of(ImageBytes bytes) {
  constexpr std::uint32_t kCodeStream = 0x6a703263;  // jp2c
  if (!bytes.empty() && bytes[0] == std::byte{0xff}) return bytes;
  while (bytes.size() >= 16) {
    std::uint64_t length = big_endian<4>(bytes, 0);
    const auto name = big_endian<4>(bytes, 4);
    const std::uint64_t header = length == 1 ? 16 : 8;
    if (length == 1) length = big_endian<8>(bytes, 8);
    if (length == 0) length = bytes.size();
    if (name == kCodeStream) return bytes.subspan(header);
    if (length < header || length > bytes.size()) break;
    bytes = bytes.subspan(length);
  }
  fail_damaged(kName, "has no code stream");
}

}  // namespace

/// Marker SOC, marker SIZ, u16 length, u16 capabilities, u32 width and height of the reference grid, u32
/// offset of the image in it, u32 size of a tile, u32 offset of the first tile (x in front of y), u16
/// components.
CodeStreamSize code_stream_size(ImageBytes bytes) {
  const ImageBytes stream = stream_of(bytes);
  constexpr std::size_t kHeader = 42;
  if (stream.size() < kHeader || big_endian<4>(stream, 0) != 0xff4fff51)
    fail_damaged(kName, "has no size in its code stream");
  const auto at = [&stream](std::size_t offset) { return std::int64_t(big_endian<4>(stream, offset)); };
  CodeStreamSize result{{at(12) - at(20), at(8) - at(16)}, 1, std::uint32_t(big_endian<2>(stream, 40))};
  if (result.size.height < 1 || result.size.width < 1 || at(24) == 0 || at(28) == 0 || at(32) > at(16) ||
      at(36) > at(20))
    fail_damaged(kName, "has a size that cannot be");
  const auto across = [](std::int64_t length, std::int64_t tile) {
    return static_cast<std::uint64_t>((length + tile - 1) / tile);
  };
  // both counts are below 2^32
  result.tiles = across(at(8) - at(32), at(24)) * across(at(12) - at(36), at(28));
  return result;
}

}  // namespace lathe::images
