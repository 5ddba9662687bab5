// The formats that are read, each by its first bytes.
#include <algorithm>

#include "base/error.h"
#include "images/image_reader.h"

namespace lathe {
namespace {

using namespace std::string_view_literals;

bool starts_with(ImageBytes bytes, std::string_view text, std::size_t at = 0) {
  return bytes.size() >= at + text.size() &&
         std::ranges::equal(bytes.subspan(at, text.size()), text,
                            [](std::byte b, char c) { return b == static_cast<std::byte>(c); });
}

bool is_bmp(ImageBytes bytes) { return starts_with(bytes, "BM"); }
bool is_jpeg(ImageBytes bytes) { return starts_with(bytes, "\xff\xd8\xff"); }
/// A file of boxes, or the codes alone.
bool is_jpeg2000(ImageBytes bytes) {
  return starts_with(bytes, "\0\0\0\x0cjP  \r\n\x87\n"sv) || starts_with(bytes, "\xff\x4f\xff\x51");
}
bool is_png(ImageBytes bytes) { return starts_with(bytes, "\x89PNG\r\n\x1a\n"); }
bool is_pnm(ImageBytes bytes) {
  return bytes.size() > 2 && bytes[0] == std::byte{'P'} && bytes[1] >= std::byte{'1'} &&
         bytes[1] <= std::byte{'6'};
}
bool is_tiff(ImageBytes bytes) {
  return starts_with(bytes, "II*\0"sv) || starts_with(bytes, "MM\0*"sv) || starts_with(bytes, "II+\0"sv) ||
         starts_with(bytes, "MM\0+"sv);
}
bool is_webp(ImageBytes bytes) { return starts_with(bytes, "RIFF") && starts_with(bytes, "WEBP", 8); }

constexpr ImageFormat kFormats[] = {
    {"BMP", "", is_bmp, images::bmp_reader},
    {"JPEG", "libturbojpeg0-dev", is_jpeg, images::jpeg_reader},
    {"JPEG 2000", "libopenjp2-7-dev", is_jpeg2000, images::jpeg2000_reader},
    {"PNG", "libpng-dev", is_png, images::png_reader},
    {"PNM", "", is_pnm, images::pnm_reader},
    {"TIFF", "libtiff-dev", is_tiff, images::tiff_reader},
    {"WebP", "libwebp-dev", is_webp, images::webp_reader},
};

[[noreturn]] void fail(ErrorCode code, std::string_view format, std::string_view what) {
  throw Error(code, "the " + std::string(format) + " image " + printable(what));
}

}  // namespace

std::span<const ImageFormat> image_formats() { return kFormats; }

void images::fail_damaged(std::string_view format, std::string_view what) {
  fail(ErrorCode::invalid_file, format, what);
}

void images::fail_unread(std::string_view format, std::string_view what) {
  fail(ErrorCode::unsupported, format, what);
}

}  // namespace lathe
