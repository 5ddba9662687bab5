// BMP: 24 bits and palettes as Pillow writes them, and the other kinds of pixels by hand.
#include <gtest/gtest.h>

#include "image_checks.h"
#include "lathe/error.h"

namespace lathe::images {
namespace {

using namespace std::string_literals;

std::string little(std::int64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i));
  return text;
}

/// With a header of 40 bytes; `behind` is what stands between it and the rows.
std::string bmp(std::int64_t width, std::int64_t height, int bits, const std::string& behind,
                const std::string& rows, int compression = 0) {
  const auto offset = static_cast<std::int64_t>(54 + behind.size());
  return "BM" + little(0, 8) + little(offset, 4) + little(40, 4) + little(width, 4) + little(height, 4) +
         little(1, 2) + little(bits, 2) + little(compression, 4) + std::string(20, '\0') + behind + rows;
}

const std::string kPalette = "\x03\x02\x01\0"s + "\x06\x05\x04\0"s;  // blue, green, red
const Pixels kColours = {1, 2, 3, 4, 5, 6};

TEST(BmpImage, GivesThePixelsOfPillow) {
  expect_picture("rgb.bmp", "picture.rgb");
  expect_picture("palette.bmp", "palette.rgb");
}

TEST(BmpImage, ReadsEveryKindOfPixel) {
  EXPECT_EQ(decoded(bmp(2, 1, 1, kPalette, "\x40\0\0\0"s)), kColours);
  EXPECT_EQ(decoded(bmp(2, 1, 4, kPalette + std::string(56, '\0'), "\x01\0\0\0"s)), kColours);
  EXPECT_EQ(decoded(bmp(2, 1, 8, kPalette + std::string(1016, '\0'), "\0\x01\0\0"s)), kColours);
  EXPECT_EQ(decoded(bmp(2, 1, 24, "", "\x03\x02\x01\x06\x05\x04\0\0"s)), kColours);
  EXPECT_EQ(decoded(bmp(2, 1, 32, "", "\x03\x02\x01\0\x06\x05\x04\0"s)), kColours);
  // red 31, green 0, blue 1 of 31; then red 0, green 31, blue 0
  EXPECT_EQ(decoded(bmp(2, 1, 16, "", little(0x7c01, 2) + little(0x03e0, 2))),
            (Pixels{255, 0, 8, 0, 255, 0}));
  const std::string masks = little(0xf800, 4) + little(0x07e0, 4) + little(0x001f, 4);
  EXPECT_EQ(decoded(bmp(2, 1, 16, masks, little(0xf800, 2) + little(0x0020, 2), 3)),
            (Pixels{255, 0, 0, 0, 4, 0}));
  const std::string red_first = little(0xff, 4) + little(0xff00, 4) + little(0xff0000, 4);
  EXPECT_EQ(decoded(bmp(2, 1, 32, red_first, "\x01\x02\x03\0\x04\x05\x06\0"s, 3)), kColours);
  const std::string old = "BM" + little(0, 8) + little(32, 4) + little(12, 4) + little(2, 2) + little(1, 2) +
                          little(1, 2) + little(1, 2) + "\x03\x02\x01\x06\x05\x04"s + "\x40\0\0\0"s;
  EXPECT_EQ(decoded(old), kColours);
}

TEST(BmpImage, RowsComeFromTheBottomUnlessTheHeightIsNegative) {
  const std::string rows = "\x03\x02\x01\0\x06\x05\x04\0"s;
  EXPECT_EQ(decoded(bmp(1, 2, 24, "", rows)), (Pixels{4, 5, 6, 1, 2, 3}));
  EXPECT_EQ(decoded(bmp(1, -2, 24, "", rows)), kColours);
}

TEST(BmpImage, RefusesWhatItDoesNotRead) {
  expect_refused(bmp(2, 1, 8, kPalette, "\0\0\0\0"s, 1), ErrorCode::unsupported,
                 "the BMP image is compressed");
  expect_refused(bmp(2, 1, 7, "", "\0\0\0\0"s), ErrorCode::unsupported, "has 7 bits for a pixel");
  expect_refused(bmp(0, 1, 24, "", ""), ErrorCode::invalid_file, "has no pixels");
  expect_refused(bmp(-1, 1, 24, "", ""), ErrorCode::invalid_file, "has no pixels");
  expect_refused(bmp(100, 100, 24, "", "\0"s), ErrorCode::invalid_file, "a row");
}

TEST(BmpImage, RefusesAColourThatIsNotInThePalette) {
  std::string file = bmp(2, 1, 8, kPalette, "\0\x02\0\0"s);
  file[46] = 2;  // colours
  expect_refused(file, ErrorCode::invalid_file, "a colour that is not in its palette");
}

TEST(BmpImage, CutCopiesAreRefused) {
  for (const auto* name : {"rgb.bmp", "palette.bmp"}) expect_cut_copies_refused(name);
}

TEST(BmpImage, DamageIsSurvived) {
  for (const auto* name : {"rgb.bmp", "palette.bmp"}) expect_damage_survived(name);
}

}  // namespace
}  // namespace lathe::images
