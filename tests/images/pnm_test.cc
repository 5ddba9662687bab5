// PNM: texts and bytes, bits, grays and colours, samples of other ranges, comments, and what is no number.
#include <gtest/gtest.h>

#include "image_checks.h"
#include "lathe/error.h"

namespace lathe::images {
namespace {

using namespace std::string_literals;

TEST(PnmImage, ReadsEveryKind) {
  const Pixels bits = {0, 0, 0, 255, 255, 255, 0, 0, 0, 255, 255, 255};
  EXPECT_EQ(decoded("P1\n2 2\n1 0\n10"), bits);
  EXPECT_EQ(decoded("P4\n2 2\n\x80\xbf"), bits);
  const Pixels grays = {0, 0, 0, 85, 85, 85, 255, 255, 255};
  EXPECT_EQ(decoded("P2 3 1 3 0 1 3"), grays);
  EXPECT_EQ(decoded("P5 3 1 3 \0\1\3"s), grays);
  EXPECT_EQ(decoded("P5 3 1 65535\n\0\0\x55\x55\xff\xff"s), grays);
  const Pixels colours = {1, 2, 3, 254, 255, 0};
  EXPECT_EQ(decoded("P3 2 1 255 1 2 3 254 255 0\n"), colours);
  EXPECT_EQ(decoded("P6 2 1 255\n\1\2\3\xfe\xff\0"s), colours);
}

TEST(PnmImage, RoundsSamplesOfOtherRanges) {
  // 255 / 10: 25.5, 51, 76.5
  EXPECT_EQ(decoded("P2 4 1 10 1 2 3 10 ", PixelFormat::grayscale), (Pixels{26, 51, 77, 255}));
}

TEST(PnmImage, PassesOverComments) {
  EXPECT_EQ(decoded("P2 # gray\n#\n2 # columns\n 1 255 7 #\n8\n", PixelFormat::grayscale), (Pixels{7, 8}));
}

TEST(PnmImage, RefusesWhatIsNoNumber) {
  const std::pair<const char*, const char*> kCases[] = {
      {"P5 x 1 255 ", "a letter where a number"},
      {"P5 1x 1 255 ", "a letter in a number"},
      {"P5 -1 1 255 ", "a letter where a number"},
      {"P5 99999999999999999999 1 255 ", "a number above 16777216"},
      {"P5 1 1 0 a", "samples of at most 0"},
      {"P5 1 1 65536 ab", "a number above 65535"},
      {"P5 0 1 255 ", "has no pixels"},
      {"P2 1 1 9 10 ", "a number above 9"},
      {"P5 1 1 9 \x0a", "above its greatest"},
      {"P1 1 1 2", "neither 0 nor 1"}};
  for (const auto& [file, message] : kCases) expect_refused(file, ErrorCode::invalid_file, message);
}

TEST(PnmImage, CutCopiesAreRefused) {
  for (const auto& file : {"P1 9 1 101010101"s, "P2 2 1 9 1 2\n"s, "P3 1 1 9 1 2 3\n"s, "P4 9 1 ab"s,
                           "P5 4 1 255 abcd"s, "P6 1 1 65535 abcdef"s}) {
    const Pixels whole = decoded(file);
    for (std::size_t length = 2; length < file.size(); ++length) {
      if (file.back() == '\n' && length == file.size() - 1) continue;  // the end of a last number
      SCOPED_TRACE(file.substr(0, length));
      EXPECT_THROW(decoded(file.substr(0, length)), Error);
    }
  }
}

}  // namespace
}  // namespace lathe::images
