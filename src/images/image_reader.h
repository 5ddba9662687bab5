// What reads one format of images. Bytes are from outside: a reader throws Error(invalid_file) for what is
// damaged or cut off, Error(unsupported) for what it does not read, and never prints.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace lathe {

using ImageBytes = std::span<const std::byte>;

struct ImageSize {
  std::int64_t height = 0;
  std::int64_t width = 0;
};

struct ImageReader {
  /// What the header says; at least 1 each.
  ImageSize (*size)(ImageBytes bytes);
  /// The pixels, [height, width, 3]: red, green and blue. Transparency is dropped, 16 bits are rounded to 8.
  void (*read)(ImageBytes bytes, ImageSize size, std::uint8_t* rgb);
  /// The most that reading takes beside the pixels, per pixel.
  std::uint64_t working_bytes;
};

struct ImageFormat {
  std::string_view name;
  std::string_view package;  // Debian's, of the library; empty where it is read without
  bool (*recognizes)(ImageBytes bytes);
  const ImageReader* (*reader)();  // gives null where the library was not there when this was built
};

/// In the order in which they are asked.
std::span<const ImageFormat> image_formats();

namespace images {

// by file
const ImageReader* bmp_reader();
const ImageReader* jpeg_reader();
const ImageReader* jpeg2000_reader();
const ImageReader* png_reader();
const ImageReader* pnm_reader();
const ImageReader* tiff_reader();
const ImageReader* webp_reader();

/// Error(invalid_file): the image is damaged.
[[noreturn]] void fail_damaged(std::string_view format, std::string_view what);
/// Error(unsupported): the image is of a kind that is not read.
[[noreturn]] void fail_unread(std::string_view format, std::string_view what);

}  // namespace images
}  // namespace lathe
