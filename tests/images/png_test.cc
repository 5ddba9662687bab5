// PNG: 8 and 16 bits, in passes, transparent, with a palette.
#include <gtest/gtest.h>

#include "image_checks.h"
#include "lathe/error.h"

namespace lathe::images {
namespace {

TEST(PngImage, GivesThePixels) {
  for (const auto* name : {"rgb.png", "interlaced.png", "16_bits.png", "alpha.png"})
    expect_picture(name, "picture.rgb");
  expect_picture("palette.png", "palette.rgb");
}

TEST(PngImage, CutCopiesAreRefused) {
  for (const auto* name : {"rgb.png", "interlaced.png", "16_bits.png", "alpha.png", "palette.png"})
    expect_cut_copies_refused(name);
}

TEST(PngImage, DamageIsSurvived) {
  for (const auto* name : {"rgb.png", "interlaced.png", "16_bits.png", "alpha.png", "palette.png"})
    expect_damage_survived(name);
}

}  // namespace
}  // namespace lathe::images
