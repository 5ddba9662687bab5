// JPEG: colours at half the resolution, several scans, gray; inks are refused.
#include <gtest/gtest.h>

#include "image_checks.h"
#include "lathe/error.h"

namespace lathe::images {
namespace {

TEST(JpegImage, GivesThePixelsOfPillow) {
  for (const std::string name : {"rgb.jpg", "progressive.jpg", "gray.jpg"})
    expect_picture(name, name + ".rgb");
}

TEST(JpegImage, InksAreRefused) {
  expect_refused(read_data("inks.jpg"), ErrorCode::unsupported, "the JPEG image has inks as colours");
}

TEST(JpegImage, CutCopiesAreRefused) {
  for (const auto* name : {"rgb.jpg", "progressive.jpg", "gray.jpg"}) expect_cut_copies_refused(name);
}

TEST(JpegImage, DamageIsSurvived) {
  for (const auto* name : {"rgb.jpg", "progressive.jpg", "gray.jpg"}) expect_damage_survived(name);
}

}  // namespace
}  // namespace lathe::images
