// TIFF: plain and compressed, transparent, with a palette.
#include <gtest/gtest.h>

#include "image_checks.h"
#include "lathe/error.h"

namespace lathe::images {
namespace {

TEST(TiffImage, GivesThePixels) {
  for (const auto* name : {"rgb.tif", "deflate.tif", "lzw.tif", "alpha.tif"})
    expect_picture(name, "picture.rgb");
  expect_picture("palette.tif", "palette.rgb");
}

TEST(TiffImage, OneThatLiesOnItsSideIsRefused) {
  std::string file = read_data("rgb.tif");
  // entry of the directory: tag 277 (samples of a pixel), 3 (u16), 1 number, 3; made tag 274 (orientation), 6
  const std::string samples("\x15\x01\x03\0\x01\0\0\0\x03\0", 10);
  const std::size_t at = file.find(samples);
  ASSERT_NE(at, std::string::npos);
  file[at] = '\x12';
  file[at + 8] = '\x06';
  expect_refused(file, ErrorCode::unsupported, "the TIFF image lies on its side");
}

TEST(TiffImage, CutCopiesAreRefused) {
  for (const auto* name : {"rgb.tif", "deflate.tif", "lzw.tif", "alpha.tif", "palette.tif"})
    expect_cut_copies_refused(name);
}

TEST(TiffImage, DamageIsSurvived) {
  for (const auto* name : {"rgb.tif", "deflate.tif", "lzw.tif", "alpha.tif", "palette.tif"})
    expect_damage_survived(name);
}

}  // namespace
}  // namespace lathe::images
