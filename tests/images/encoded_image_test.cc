// Which format bytes have, pixels as they are asked for, and what is refused whatever the format.
#include "images/encoded_image.h"

#include <gtest/gtest.h>

#include "image_checks.h"
#include "lathe/error.h"

namespace lathe::images {
namespace {

TEST(EncodedImage, EveryFormatHasItsReader) {
  for (const auto& format : image_formats()) EXPECT_NO_THROW(reader_of(format)) << format.name;
}

TEST(EncodedImage, FindsTheFormat) {
  const std::pair<const char*, const char*> kCases[] = {
      {"rgb.bmp", "BMP"}, {"rgb.jpg", "JPEG"}, {"lossless.jp2", "JPEG 2000"}, {"codes.j2k", "JPEG 2000"},
      {"rgb.png", "PNG"}, {"rgb.tif", "TIFF"}, {"lossy.webp", "WebP"}};
  for (const auto& [name, format] : kCases) {
    const std::string file = read_data(name);
    EXPECT_EQ(EncodedImage(bytes_of(file)).format(), format);
  }
}

TEST(EncodedImage, GivesBlueFirst) {
  EXPECT_EQ(decoded("P3 2 1 255 1 2 3 4 5 6 ", PixelFormat::bgr), (Pixels{3, 2, 1, 6, 5, 4}));
}

TEST(EncodedImage, GivesGrayAsPillowDoes) {
  const std::string expected = read_data("picture.gray");
  EXPECT_EQ(decoded(read_data("rgb.png"), PixelFormat::grayscale), Pixels(expected.begin(), expected.end()));
  EXPECT_EQ(decoded("P2 3 1 255 0 77 255 ", PixelFormat::grayscale), (Pixels{0, 77, 255}));
}

TEST(EncodedImage, BytesOfNoFormatAreRefused) {
  for (const std::string bytes : {"", "P", "GIF89a", "\x89PNG", "RIFF....WAVE"})
    expect_refused(bytes, ErrorCode::unsupported, std::to_string(bytes.size()) + " bytes are no image");
}

TEST(EncodedImage, AMissingLibraryIsNamed) {
  const ImageFormat format{"JPEG", "libturbojpeg0-dev", nullptr,
                           []() -> const ImageReader* { return nullptr; }};
  try {
    reader_of(format);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::unsupported);
    EXPECT_STREQ(
        error.what(),
        "JPEG images are not read by this build: install the package libturbojpeg0-dev and build again");
  }
}

TEST(EncodedImage, MorePixelsThanAnyMemoryHoldsAreRefused) {
  const std::string header("BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\xff\xff\xff\x7f\xff\xff\xff\x7f\1\0\x18\0",
                           30);
  expect_refused(header + std::string(24, '\0'), ErrorCode::unsupported, "more than 2^40 pixels");
}

TEST(EncodedImage, WorkingMemoryIsAskedForBeforeItIsTaken) {
  std::string file = read_data("rgb.tif");
  // tag 256 (width), 4 (u32), 1 number; tag 257 (height) behind it
  const std::size_t at = file.find(std::string("\0\1\4\0\1\0\0\0", 8));
  ASSERT_NE(at, std::string::npos);
  file.replace(at + 8, 4, std::string("\0\0\x08\0", 4));   // 2^19
  file.replace(at + 20, 4, std::string("\0\0\x10\0", 4));  // 2^20
  const EncodedImage image(bytes_of(file));
  const auto [height, width] = image.size();
  ASSERT_EQ(height * width, std::int64_t{1} << 39);
  std::uint8_t none = 0;
  const std::span<std::uint8_t> pixels(&none, static_cast<std::size_t>(3 * height * width));  // never touched
  try {
    image.decode(PixelFormat::rgb, pixels);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::resource_limit) << error.what();
    EXPECT_NE(std::string(error.what()).find("1048576 x 524288 pixels"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace lathe::images
