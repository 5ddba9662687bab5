// JPEG 2000: in boxes and codes alone, with and without loss, gray.
#include <gtest/gtest.h>

#include "image_checks.h"
#include "lathe/error.h"

namespace lathe::images {
namespace {

TEST(Jpeg2000Image, GivesThePixels) {
  expect_picture("lossless.jp2", "picture.rgb");
  expect_picture("codes.j2k", "picture.rgb");
  expect_picture("gray.jp2", "gray.rgb");
  expect_picture("lossy.jp2", "lossy.jp2.rgb", 1);  // real numbers inside
}

TEST(Jpeg2000Image, MoreTilesThanBytesCouldHoldAreRefused) {
  std::string file = read_data("codes.j2k");
  file[10] = file[14] = '\x7f';  // in width and height, beside tiles of 13 x 9
  expect_refused(file, ErrorCode::unsupported, "tiles");
}

TEST(Jpeg2000Image, CutCopiesAreRefused) {
  for (const auto* name : {"lossless.jp2", "codes.j2k", "gray.jp2", "lossy.jp2"})
    expect_cut_copies_refused(name);
}

TEST(Jpeg2000Image, DamageIsSurvived) {
  for (const auto* name : {"lossless.jp2", "codes.j2k", "gray.jp2", "lossy.jp2"})
    expect_damage_survived(name);
}

}  // namespace
}  // namespace lathe::images
