// PBM, PGM and PPM, as texts (P1, P2, P3) and as bytes (P4, P5, P6): the letter P and a digit, then in
// decimal width, height and, but for PBM, the greatest sample; '#' starts a comment up to the end of its
// line. One white space, then rows.
#include <string>

#include "images/image_reader.h"

namespace lathe::images {
namespace {

constexpr std::string_view kName = "PNM";

/// Reads forward; stops with an error at the end of the bytes.
class Reader {
 public:
  explicit Reader(ImageBytes bytes) : bytes_(bytes) {}

  std::uint8_t byte() {
    if (offset_ == bytes_.size()) fail_damaged(kName, "is cut off");
    return std::to_integer<std::uint8_t>(bytes_[offset_++]);
  }

  /// The next byte that is neither white nor in a comment.
  std::uint8_t visible() {
    std::uint8_t next = byte();
    while (is_white(next) || next == '#') {
      if (next == '#')
        while (next != '\n' && next != '\r') next = byte();
      next = byte();
    }
    return next;
  }

  /// A number and the one byte behind it, which must be white, unless it is the last of the file.
  std::uint32_t number(std::uint32_t most) {
    std::uint32_t value = 0;
    std::uint8_t next = visible();
    if (!is_digit(next)) fail_damaged(kName, "has a letter where a number should be");
    for (;;) {
      value = value * 10 + (next - '0');  // at most 10 * most + 9, and most is below 2^28
      if (value > most) fail_damaged(kName, "has a number above " + std::to_string(most));
      if (offset_ == bytes_.size()) return value;
      next = byte();
      if (is_white(next)) return value;
      if (!is_digit(next)) fail_damaged(kName, "has a letter in a number");
    }
  }

  std::size_t left() const { return bytes_.size() - offset_; }

 private:
  static bool is_white(std::uint8_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
  static bool is_digit(std::uint8_t c) { return c >= '0' && c <= '9'; }

  ImageBytes bytes_;
  std::size_t offset_ = 0;
};

struct Header {
  ImageSize size;
  bool text;
  int samples;  // per pixel
  std::uint32_t greatest;
};

Header header_of(Reader& reader) {
  constexpr std::uint32_t kMostPixels = 1 << 24;  // of a row or column
  reader.byte();
  const int kind = reader.byte() - '1';  // 0 to 5
  Header header{{}, kind < 3, kind % 3 == 2 ? 3 : 1, 1};
  header.size.width = reader.number(kMostPixels);
  header.size.height = reader.number(kMostPixels);
  if (kind % 3 != 0) header.greatest = reader.number(0xffff);
  if (header.greatest == 0) fail_damaged(kName, "has samples of at most 0");
  return header;
}

std::uint8_t sample(Reader& reader, const Header& header) {
  std::uint32_t value = header.text ? reader.number(header.greatest) : reader.byte();
  if (!header.text && header.greatest > 0xff) value = value << 8 | reader.byte();
  if (value > header.greatest) fail_damaged(kName, "has a sample above its greatest");
  return static_cast<std::uint8_t>((value * 255 + header.greatest / 2) / header.greatest);
}

/// Of a PBM: a one is black. Bits of bytes start with the highest, and rows with a new byte.
void read_bits(Reader& reader, const Header& header, std::uint8_t* rgb) {
  for (std::int64_t y = 0; y < header.size.height; ++y) {
    std::uint8_t bits = 0;
    for (std::int64_t x = 0; x < header.size.width; ++x, rgb += 3) {
      if (!header.text && x % 8 == 0) bits = reader.byte();
      const int digit = header.text ? reader.visible() : ((bits >> (7 - x % 8)) & 1) + '0';
      if (digit != '0' && digit != '1') fail_damaged(kName, "has a bit that is neither 0 nor 1");
      rgb[0] = rgb[1] = rgb[2] = digit == '0' ? 255 : 0;
    }
  }
}

ImageSize size(ImageBytes bytes) {
  Reader reader(bytes);
  return header_of(reader).size;
}

void read(ImageBytes bytes, ImageSize size, std::uint8_t* rgb) {
  Reader reader(bytes);
  const Header header = header_of(reader);
  const bool bits = header.greatest == 1 && (bytes[1] == std::byte{'1'} || bytes[1] == std::byte{'4'});
  if (bits) return read_bits(reader, header, rgb);
  for (std::int64_t i = 0; i < size.height * size.width; ++i, rgb += 3)
    for (int c = 0; c < 3; ++c) rgb[c] = c < header.samples ? sample(reader, header) : rgb[0];
}

constexpr ImageReader kReader{size, read, 0};

}  // namespace

const ImageReader* pnm_reader() { return &kReader; }

}  // namespace lathe::images
