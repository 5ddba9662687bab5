// PNG by libpng. Its errors come by longjmp: the function that setjmp returns to has no object with a
// destructor, and calls none that has.
#include <png.h>

#include <csetjmp>
#include <cstring>

#include "images/image_reader.h"

namespace lathe::images {
namespace {

constexpr std::string_view kName = "PNG";

/// What the library's callbacks see.
struct Input {
  const std::byte* data;
  std::size_t left;
  char error[100];  // ends with a zero
};

struct Picture {
  std::int64_t height;
  std::int64_t width;
  std::uint8_t* rgb;  // null: the header alone
};

void on_error(png_structp png, png_const_charp message) {
  auto* input = static_cast<Input*>(png_get_error_ptr(png));
  std::strncpy(input->error, message, sizeof input->error - 1);
  png_longjmp(png, 1);
}

void on_warning(png_structp /*png*/, png_const_charp /*message*/) {}  // about what pixels do not depend on

void take(png_structp png, png_bytep target, std::size_t bytes) {
  auto* input = static_cast<Input*>(png_get_io_ptr(png));
  if (bytes > input->left) png_error(png, "is cut off");
  std::memcpy(target, input->data, bytes);
  input->data += bytes;
  input->left -= bytes;
}

void read_rows(png_structp png, png_infop info, const Picture& picture) {
  png_set_expand(png);  // palettes, fewer than 8 bits
  png_set_gray_to_rgb(png);
  png_set_scale_16(png);
  png_set_strip_alpha(png);
  const int passes = png_set_interlace_handling(png);
  png_read_update_info(png, info);
  if (png_get_rowbytes(png, info) != static_cast<std::size_t>(picture.width) * 3)
    png_error(png, "has rows of another length");
  for (int pass = 0; pass < passes; ++pass)
    for (std::int64_t y = 0; y < picture.height; ++y)
      png_read_row(png, picture.rgb + y * picture.width * 3, nullptr);
  png_read_end(png, nullptr);
}

/// False where the library has found a fault, which input.error has. Plain data alone, in the whole of it.
bool run(png_structp png, png_infop info, Picture& picture) {
  if (setjmp(png_jmpbuf(png)) != 0) return false;
  png_read_info(png, info);
  if (picture.rgb != nullptr) {
    read_rows(png, info, picture);
  } else {
    picture.height = png_get_image_height(png, info);
    picture.width = png_get_image_width(png, info);
  }
  return true;
}

void read_picture(ImageBytes bytes, Picture& picture) {
  Input input{bytes.data(), bytes.size(), "has met no memory for its reader"};
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &input, on_error, on_warning);
  png_infop info = png == nullptr ? nullptr : png_create_info_struct(png);
  bool whole = false;
  if (info != nullptr) {
    png_set_read_fn(png, &input, take);
    whole = run(png, info, picture);
  }
  png_destroy_read_struct(&png, &info, nullptr);
  if (!whole) fail_damaged(kName, input.error);
}

ImageSize size(ImageBytes bytes) {
  Picture picture{0, 0, nullptr};
  read_picture(bytes, picture);
  return {picture.height, picture.width};
}

void read(ImageBytes bytes, ImageSize size, std::uint8_t* rgb) {
  Picture picture{size.height, size.width, rgb};
  read_picture(bytes, picture);
}

constexpr ImageReader kReader{size, read, 1};  // a row

}  // namespace

const ImageReader* png_reader() { return &kReader; }

}  // namespace lathe::images
