// JPEG by libjpeg-turbo. Its own interface TurboJPEG gives errors as values and prints nothing. Its defaults
// are those of libjpeg, which ONNX asks for: the accurate integer transform, and "fancy" upsampling of
// colour.
#include <turbojpeg.h>

#include <limits>
#include <memory>

#include "images/image_reader.h"

namespace lathe::images {
namespace {

constexpr std::string_view kName = "JPEG";

struct Destroy {
  void operator()(void* handle) const { tjDestroy(handle); }
};
using Handle = std::unique_ptr<void, Destroy>;

struct Header {
  int width = 0, height = 0, subsampling = 0, colours = 0;
};

Handle open() {
  Handle handle(tjInitDecompress());
  if (handle == nullptr) fail_unread(kName, "has met no memory for its reader");
  return handle;
}

const unsigned char* data_of(ImageBytes bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

Header header_of(const Handle& handle, ImageBytes bytes) {
  Header header;
  if (tjDecompressHeader3(handle.get(), data_of(bytes), bytes.size(), &header.width, &header.height,
                          &header.subsampling, &header.colours) != 0)
    fail_damaged(kName, tjGetErrorStr2(handle.get()));
  if (header.colours == TJCS_CMYK || header.colours == TJCS_YCCK) fail_unread(kName, "has inks as colours");
  return header;
}

ImageSize size(ImageBytes bytes) {
  const Header header = header_of(open(), bytes);
  return {header.height, header.width};
}

void read(ImageBytes bytes, ImageSize size, std::uint8_t* rgb) {
  const Handle handle = open();
  header_of(handle, bytes);
  // A warning is damage too: the library goes on with gray where bytes are missing. Scans are limited since
  // each goes over the whole image, and costs a few bytes.
  if (size.width > std::numeric_limits<int>::max() / 3 ||
      tjDecompress2(handle.get(), data_of(bytes), bytes.size(), rgb, static_cast<int>(size.width), 0,
                    static_cast<int>(size.height), TJPF_RGB, TJFLAG_LIMITSCANS) != 0)
    fail_damaged(kName, tjGetErrorStr2(handle.get()));
}

// 2 bytes for each coefficient of three colours where there are several scans, and as much again for rows at
// the edges
constexpr ImageReader kReader{size, read, 12};

}  // namespace

const ImageReader* jpeg_reader() { return &kReader; }

}  // namespace lathe::images
