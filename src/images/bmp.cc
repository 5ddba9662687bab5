// BMP, little-endian:
//   0  u8[2] "BM", u32 bytes of the file, u16[2] 0, u32 offset of the rows
//  14  u32 bytes of this header: 12 (widths in 16 bits, palette of three bytes), or 40 and more:
//      i32 width, height (below 0: from the top), u16 planes, bits of a pixel, u32 compression, bytes of the
//      rows, i32[2] resolution, u32 colours of the palette, u32 important ones
//  54  u32 masks of red, green and blue, where compression is 3
//  behind the header: the palette, blue, green, red and 0 each
// Rows come from the bottom, and each starts at a multiple of 4 bytes.
#include <bit>

#include "base/checked_reader.h"
#include "images/image_reader.h"

namespace lathe::images {
namespace {

constexpr std::string_view kName = "BMP";

struct Header {
  ImageSize size;
  bool from_top = false;
  std::uint16_t bits = 0;  // of a pixel
  std::uint64_t rows = 0;  // offset
  std::uint32_t masks[3] = {0xff0000, 0xff00, 0xff};
  ImageBytes palette = {};
  std::size_t palette_bytes = 4;  // of one colour
};

enum Compression : std::uint32_t { kPlain = 0, kMasks = 3 };

Header header_of(ImageBytes bytes) {
  constexpr std::uint64_t kFileHeader = 14, kMasksOffset = 54;
  CheckedReader reader(bytes, "BMP image");
  Header header;
  reader.seek(10, "the offset of the rows");
  header.rows = reader.read<std::uint32_t>("the offset of the rows");
  const auto length = reader.read<std::uint32_t>("the header's length");
  std::uint32_t compression = kPlain, colours = 0;
  if (length == 12) {
    header.palette_bytes = 3;
    header.size.width = reader.read<std::uint16_t>("the width");
    header.size.height = reader.read<std::uint16_t>("the height");
    reader.read<std::uint16_t>("the planes");
    header.bits = reader.read<std::uint16_t>("the bits of a pixel");
  } else if (length >= 40) {
    header.size.width = reader.read<std::int32_t>("the width");
    header.size.height = reader.read<std::int32_t>("the height");
    reader.read<std::uint16_t>("the planes");
    header.bits = reader.read<std::uint16_t>("the bits of a pixel");
    compression = reader.read<std::uint32_t>("the compression");
    reader.take(12, "the resolution");
    colours = reader.read<std::uint32_t>("the colours");
  } else {
    fail_unread(kName, "has a header of " + std::to_string(length) + " bytes");
  }
  header.from_top = header.size.height < 0;
  if (header.from_top) header.size.height = -header.size.height;
  if (header.size.width < 1 || header.size.height < 1) fail_damaged(kName, "has no pixels");
  const bool masked = compression == kMasks && (header.bits == 16 || header.bits == 32);
  if (compression != kPlain && !masked) fail_unread(kName, "is compressed");
  if (masked) {
    reader.seek(kMasksOffset, "the masks");
    for (auto& mask : header.masks) mask = reader.read<std::uint32_t>("the masks");
  } else if (header.bits == 16) {
    header.masks[0] = 0x7c00, header.masks[1] = 0x3e0, header.masks[2] = 0x1f;
  }
  if (header.bits == 1 || header.bits == 4 || header.bits == 8) {
    const std::uint32_t most = 1u << header.bits;
    if (colours == 0 || colours > most) colours = most;
    reader.seek(kFileHeader + length, "the palette");
    header.palette = reader.take(colours * header.palette_bytes, "the palette");
  } else if (header.bits != 16 && header.bits != 24 && header.bits != 32) {
    fail_unread(kName, "has " + std::to_string(header.bits) + " bits for a pixel");
  }
  return header;
}

/// The bits of a mask as a number of 8 bits; 0 where the mask has none.
std::uint8_t masked(std::uint32_t pixel, std::uint32_t mask) {
  if (mask == 0) return 0;
  const int shift = std::countr_zero(mask);
  const std::uint64_t most = mask >> shift;
  const std::uint64_t value = (pixel & mask) >> shift;
  return static_cast<std::uint8_t>((value * 255 + most / 2) / most);
}

void put_pixel(const Header& header, ImageBytes row, std::int64_t x, std::uint8_t* rgb) {
  const auto byte_at = [](ImageBytes bytes, std::size_t i) {
    return std::to_integer<std::uint8_t>(bytes[i]);
  };
  const auto column = static_cast<std::size_t>(x);
  if (header.bits <= 8) {
    const std::size_t in_byte = 8u / header.bits;  // the first in the highest bits
    const std::size_t shift = 8 - header.bits * (column % in_byte + 1);
    const auto code = (byte_at(row, column / in_byte) >> shift) & ((1u << header.bits) - 1);
    if ((code + 1) * header.palette_bytes > header.palette.size())
      fail_damaged(kName, "has a colour that is not in its palette");
    for (std::size_t c = 0; c < 3; ++c) rgb[c] = byte_at(header.palette, code * header.palette_bytes + 2 - c);
  } else if (header.bits == 24) {
    for (std::size_t c = 0; c < 3; ++c) rgb[c] = byte_at(row, column * 3 + 2 - c);
  } else {
    std::uint32_t pixel = 0;
    for (std::size_t i = header.bits / 8; i-- > 0;)
      pixel = pixel << 8 | byte_at(row, column * header.bits / 8 + i);
    for (std::size_t c = 0; c < 3; ++c) rgb[c] = masked(pixel, header.masks[c]);
  }
}

ImageSize size(ImageBytes bytes) { return header_of(bytes).size; }

void read(ImageBytes bytes, ImageSize size, std::uint8_t* rgb) {
  const Header header = header_of(bytes);
  const auto row_bytes = (static_cast<std::uint64_t>(size.width) * header.bits + 31) / 32 * 4;
  CheckedReader reader(bytes, "BMP image");
  reader.seek(header.rows, "the rows");
  for (std::int64_t y = 0; y < size.height; ++y) {
    const ImageBytes row = reader.take(row_bytes, "a row");
    std::uint8_t* target = rgb + (header.from_top ? y : size.height - 1 - y) * size.width * 3;
    for (std::int64_t x = 0; x < size.width; ++x) put_pixel(header, row, x, target + 3 * x);
  }
}

constexpr ImageReader kReader{size, read, 0};

}  // namespace

const ImageReader* bmp_reader() { return &kReader; }

}  // namespace lathe::images
