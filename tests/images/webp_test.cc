// WebP: with and without loss, transparent; films are refused.
#include <gtest/gtest.h>

#include "image_checks.h"
#include "lathe/error.h"

namespace lathe::images {
namespace {

TEST(WebpImage, GivesThePixelsOfPillow) {
  expect_picture("lossy.webp", "lossy.webp.rgb");
  expect_picture("lossless.webp", "picture.rgb");
  expect_picture("alpha.webp", "picture.rgb");
}

TEST(WebpImage, FilmsAreRefused) {
  expect_refused(read_data("film.webp"), ErrorCode::unsupported, "the WebP image is a film");
}

TEST(WebpImage, CutCopiesAreRefused) {
  for (const auto* name : {"lossy.webp", "lossless.webp", "alpha.webp"}) expect_cut_copies_refused(name);
}

TEST(WebpImage, DamageIsSurvived) {
  for (const auto* name : {"lossy.webp", "lossless.webp", "alpha.webp"}) expect_damage_survived(name);
}

}  // namespace
}  // namespace lathe::images
