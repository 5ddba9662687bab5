#include "image_checks.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "lathe/error.h"

namespace lathe::images {
namespace {

/// Nothing where the bytes are refused. Copies that say to be large are not read: what they need is there or
/// not.
std::optional<Pixels> decoded_if_it_can_be(std::string_view file) {
  constexpr std::int64_t kMostPixels = 1 << 16;
  try {
    const auto [height, width] = EncodedImage(bytes_of(file)).size();
    if (height > kMostPixels / width) return std::nullopt;
    return decoded(file);
  } catch (const Error& error) {
    EXPECT_NE(error.code(), ErrorCode::internal) << error.what();
    return std::nullopt;
  }
}

}  // namespace

std::string read_data(std::string_view name) {
  const std::string path = LATHE_SOURCE_DIR "/tests/images/data/" + std::string(name);
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

Pixels decoded(std::string_view file, PixelFormat format) {
  const EncodedImage image(bytes_of(file));
  const auto [height, width] = image.size();
  Pixels pixels(static_cast<std::size_t>(height * width * (format == PixelFormat::grayscale ? 1 : 3)));
  image.decode(format, pixels);
  return pixels;
}

void expect_picture(std::string_view name, std::string_view expected, int tolerance) {
  const std::string file = read_data(name), reference = read_data(expected);
  const ImageSize size = EncodedImage(bytes_of(file)).size();
  EXPECT_EQ(size.height, 9) << name;
  EXPECT_EQ(size.width, 13) << name;
  const Pixels found = decoded(file);
  ASSERT_EQ(found.size(), reference.size()) << name;
  for (std::size_t i = 0; i < found.size(); ++i)
    ASSERT_LE(std::abs(found[i] - static_cast<std::uint8_t>(reference[i])), tolerance) << name << " at " << i;
}

void expect_refused(std::string_view file, ErrorCode code, std::string_view message) {
  try {
    decoded(file);
    ADD_FAILURE() << "read, and should be refused: " << message;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_NE(std::string(error.what()).find(message), std::string::npos) << error.what();
  }
}

void expect_cut_copies_refused(std::string_view name) {
  const std::string file = read_data(name);
  const Pixels whole = decoded(file);
  testing::internal::CaptureStderr();
  for (std::size_t length = 0; length < file.size(); ++length) {
    const auto found = decoded_if_it_can_be(std::string(file, 0, length));  // a copy: nothing lies behind it
    const bool nothing_is_missing = length > file.size() / 2 && found == whole;
    EXPECT_TRUE(!found || nothing_is_missing) << name << ", " << length << " of " << file.size() << " bytes";
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "") << name;
}

void expect_damage_survived(std::string_view name) {
  const std::string file = read_data(name);
  testing::internal::CaptureStderr();
  for (std::size_t i = 0; i < file.size(); ++i)
    for (const unsigned change : {0x01u, 0x80u, 0xffu}) {
      std::string damaged = file;
      damaged[i] = static_cast<char>(static_cast<std::uint8_t>(damaged[i]) ^ change);
      decoded_if_it_can_be(damaged);
    }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "") << name;
}

}  // namespace lathe::images
