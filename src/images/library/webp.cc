// WebP, with and without loss, by libwebp. Films are not read.
#include <webp/decode.h>

#include "images/image_reader.h"

namespace lathe::images {
namespace {

constexpr std::string_view kName = "WebP";

const std::uint8_t* data_of(ImageBytes bytes) { return reinterpret_cast<const std::uint8_t*>(bytes.data()); }

ImageSize size(ImageBytes bytes) {
  WebPBitstreamFeatures features;
  if (WebPGetFeatures(data_of(bytes), bytes.size(), &features) != VP8_STATUS_OK)
    fail_damaged(kName, "has a header that is damaged or cut off");
  if (features.has_animation != 0) fail_unread(kName, "is a film");
  return {features.height, features.width};
}

void read(ImageBytes bytes, ImageSize size, std::uint8_t* rgb) {
  const std::int64_t row = size.width * 3;  // at most 3 * 16,383
  if (WebPDecodeRGBInto(data_of(bytes), bytes.size(), rgb, static_cast<std::size_t>(size.height * row),
                        static_cast<int>(row)) == nullptr)
    fail_damaged(kName, "is damaged or cut off");
}

// without loss, 4 bytes for a pixel, and as much for those that are looked up
constexpr ImageReader kReader{size, read, 8};

}  // namespace

const ImageReader* webp_reader() { return &kReader; }

}  // namespace lathe::images
