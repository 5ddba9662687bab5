#include "images/encoded_image.h"

#include <memory>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/require_bytes.h"

namespace lathe {
namespace {

const ImageFormat& format_of(ImageBytes bytes) {
  for (const auto& format : image_formats())
    if (format.recognizes(bytes)) return format;
  std::string known;
  for (const auto& format : image_formats()) known += (known.empty() ? "" : ", ") + std::string(format.name);
  throw Error(ErrorCode::unsupported, "these " + std::to_string(bytes.size()) +
                                          " bytes are no image of a known format (" + known + ")");
}

/// ITU-R 601-2's weights in 16 bits, rounded; a gray stays what it is.
std::uint8_t luma(const std::uint8_t* rgb) {
  return static_cast<std::uint8_t>((rgb[0] * 19595u + rgb[1] * 38470u + rgb[2] * 7471u + 0x8000u) >> 16);
}

}  // namespace

const ImageReader& reader_of(const ImageFormat& format) {
  if (const auto* reader = format.reader()) return *reader;
  throw Error(ErrorCode::unsupported, std::string(format.name) +
                                          " images are not read by this build: install the package " +
                                          std::string(format.package) + " and build again");
}

EncodedImage::EncodedImage(ImageBytes bytes)
    : bytes_(bytes), format_(&format_of(bytes)), size_(reader_of(*format_).size(bytes)) {
  constexpr std::int64_t kMostPixels = std::int64_t{1} << 40;  // what counts their bytes stays in 64 bits
  if (size_.height < 1 || size_.width < 1) images::fail_damaged(format_->name, "has no pixels");
  if (size_.height > kMostPixels / size_.width)
    images::fail_unread(format_->name, "has more than 2^40 pixels");
}

void EncodedImage::decode(PixelFormat format, std::span<std::uint8_t> pixels) const {
  const ImageReader& reader = reader_of(*format_);
  const bool gray = format == PixelFormat::grayscale;
  const auto count = static_cast<std::uint64_t>(size_.height * size_.width);
  CHECK(pixels.size() == count * (gray ? 1 : 3));
  const std::uint64_t working = count * (reader.working_bytes + (gray ? 3 : 0));
  constexpr std::uint64_t kLittle = 1 << 20;  // is there, and need not be asked for
  if (working > kLittle)
    require_bytes(working,
                  "reading an image of " + std::to_string(size_.height) + " x " +
                      std::to_string(size_.width) + " pixels",
                  memory_available(), {});
  if (!gray) {
    reader.read(bytes_, size_, pixels.data());
    if (format == PixelFormat::bgr)
      for (std::size_t i = 0; i < pixels.size(); i += 3) std::swap(pixels[i], pixels[i + 2]);
    return;
  }
  const auto rgb = std::make_unique_for_overwrite<std::uint8_t[]>(pixels.size() * 3);  // [height, width, 3]
  reader.read(bytes_, size_, rgb.get());
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = luma(&rgb[3 * i]);
}

}  // namespace lathe
