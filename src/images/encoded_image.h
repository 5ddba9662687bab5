// An image in a file's bytes: which format it has, how large it is, and its pixels.
#pragma once

#include "images/image_reader.h"

namespace lathe {

enum class PixelFormat : std::uint8_t { rgb, bgr, grayscale };

/// The format's reader. Throws Error(unsupported) with the package that is missing.
const ImageReader& reader_of(const ImageFormat& format);

/// Looks at bytes that outlive it. All throws are Errors.
class EncodedImage {
 public:
  /// Finds the format and the size. Error(unsupported) where no format is found.
  explicit EncodedImage(ImageBytes bytes);

  std::string_view format() const { return format_->name; }
  ImageSize size() const { return size_; }
  /// Pixels go to `pixels`: [height, width, 3], for grayscale [height, width]. Error(resource_limit) where
  /// reading would take more memory than there is.
  void decode(PixelFormat format, std::span<std::uint8_t> pixels) const;

 private:
  ImageBytes bytes_;
  const ImageFormat* format_;
  ImageSize size_;
};

}  // namespace lathe
